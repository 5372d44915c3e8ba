#include "dissectors/padding.h"

#include <algorithm>

namespace dpi {

bool is_counted_padding(const PacketView& view) noexcept {
  constexpr std::uint32_t frame_payload_min = 46, tagged_payload_min = 42;
  const bool shortest = view.ip_bytes == frame_payload_min || view.ip_bytes == tagged_payload_min;
  return shortest && (view.tcp.flags & tcp_flag::psh) == 0 &&
         std::all_of(view.payload.begin(), view.payload.end(), [](auto b) { return b == 0; });
}

}  // namespace dpi
