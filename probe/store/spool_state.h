// What a spool's COMMIT keeps of the chain: enough to continue it, and the signed checkpoint.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "probe/base/bytes.h"
#include "probe/envelope/sealer.h"

namespace dpi {

struct SpoolState {
  ChainHead head;
  std::string note;  // signed checkpoint over head.tree
};

// head hash (32) ‖ length of the tree (2, big-endian) ‖ tree ‖ note.
[[nodiscard]] ByteBuffer encode_spool_state(const ChainHead& head, std::string_view note);
[[nodiscard]] std::optional<SpoolState> decode_spool_state(Bytes state);

}  // namespace dpi
