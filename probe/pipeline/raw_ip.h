// A packet as a worker saw it, from its innermost IP header on: what a raw IP capture holds.
#pragma once

#include <cstddef>
#include <span>

#include "dissectors/packet_view.h"

namespace dpi {

// A datagram that was put together from fragments gets a header. How many bytes it has; what does
// not fit is left out.
std::size_t write_raw_ip(const PacketView& view, std::span<std::uint8_t> out) noexcept;

}  // namespace dpi
