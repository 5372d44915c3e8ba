// `--out`: where a run's events go.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "probe/app/config.h"
#include "probe/envelope/envelope.h"
#include "probe/store/event_sink.h"
#include "probe/store/live_sink.h"

namespace dpi {

struct OutputContext {
  const Config& config;
  const Identity& identity;
  const PublicKey& key;
};

// A live probe's: the chain lives in its own spool, whatever else gets its events.
struct LiveOutputs {
  std::vector<std::unique_ptr<EventSink>> sinks;
  LiveSink* chain = nullptr;  // one of the sinks
  std::filesystem::path spool;
};
// Of every kind (output_kind.h); the spool is there whether it is named or not.
[[nodiscard]] Result<LiveOutputs> open_live_outputs(const std::vector<std::string>& outputs,
                                                    const OutputContext& context);

// How many of them read the spool beside the database. Errc::usage when one is not understood, or
// two write the same file.
[[nodiscard]] Result<std::uint64_t> count_followers(const std::vector<std::string>& outputs);

// spool.dir, or its default in the user's state folder.
[[nodiscard]] Result<std::filesystem::path> spool_root(const Config& config);

// Opens every output; Errc::usage names the one that is not understood. No output means jsonl to
// standard output.
[[nodiscard]] Result<std::vector<std::unique_ptr<EventSink>>> open_outputs(
    const std::vector<std::string>& outputs, const OutputContext& context);

}  // namespace dpi
