#include "probe/store/spool_state.h"

#include <algorithm>

#include "probe/base/byte_cursor.h"

namespace dpi {

ByteBuffer encode_spool_state(const ChainHead& head, std::string_view note) {
  const ByteBuffer tree = head.tree.save();
  ByteBuffer out(head.last_hash.begin(), head.last_hash.end());
  out.push_back(static_cast<std::uint8_t>(tree.size() >> 8U));
  out.push_back(static_cast<std::uint8_t>(tree.size() & 0xffU));
  out.insert(out.end(), tree.begin(), tree.end());
  out.insert(out.end(), note.begin(), note.end());
  return out;
}

std::optional<SpoolState> decode_spool_state(Bytes state) {
  ByteCursor in{state};
  const Bytes hash = in.take(32);
  const Bytes tree = in.take(in.be16());
  if (!in.ok()) return std::nullopt;
  auto restored = MerkleTree::restore(tree);
  if (!restored) return std::nullopt;
  SpoolState out;
  std::copy(hash.begin(), hash.end(), out.head.last_hash.begin());
  out.head.tree = std::move(*restored);
  out.note = as_text(in.rest());
  return out;
}

}  // namespace dpi
