// Bytes that a network card appended, where they look like a segment's data.
#pragma once

#include "dissectors/packet_view.h"

namespace dpi {

// Whether all payload of a TCP segment is the padding of a short Ethernet frame (IEEE 802.3 §3.2.8)
// that its sender's IP length counts: zeros up to the least payload of a frame, with or without an
// 802.1Q tag, and nothing that was pushed. Told by the IP length, so the same in every tunnel.
[[nodiscard]] bool is_counted_padding(const PacketView& view) noexcept;

}  // namespace dpi
