// `--out`: where a run's events go.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "probe/app/config.h"
#include "probe/envelope/envelope.h"
#include "probe/store/event_sink.h"

namespace dpi {

struct OutputContext {
  const Config& config;
  const Identity& identity;
  const PublicKey& key;
};

// Opens every output; Errc::usage names the one that is not understood. No output means jsonl to
// standard output.
[[nodiscard]] Result<std::vector<std::unique_ptr<EventSink>>> open_outputs(
    const std::vector<std::string>& outputs, const OutputContext& context);

}  // namespace dpi
