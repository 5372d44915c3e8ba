#include "probe/flow/duplicate_window.h"

#include <algorithm>

#include "probe/base/siphash.h"

namespace dpi {
namespace {

constexpr std::size_t compared_bytes = 96;

}  // namespace

std::uint64_t duplicate_digest(const PacketView& view) noexcept {
  std::array<std::uint8_t, compared_bytes> bytes{};
  const std::size_t size = std::min(view.l3.size(), compared_bytes);
  if (size < 20) return 0;
  std::copy_n(view.l3.begin(), size, bytes.begin());
  if (view.ip_version == 4) {
    bytes[8] = 0;               // TTL
    bytes[10] = bytes[11] = 0;  // header checksum
  } else {
    bytes[7] = 0;  // hop limit
  }
  // No secret: equal packets must be found in every run, and what a made-up collision gains is a
  // wrong count.
  const std::uint64_t digest = siphash({view.ip_bytes, 0}, Bytes{bytes}.first(size));
  return digest == 0 ? 1 : digest;
}

bool DuplicateWindow::seen(std::uint64_t digest, Timestamp time) noexcept {
  if (digest == 0) return false;
  for (const Recent& r : recent_) {
    if (r.digest == digest && time - r.time <= span) return true;
  }
  recent_[next_] = {digest, time};
  next_ = static_cast<std::uint8_t>((next_ + 1) % kept);
  return false;
}

}  // namespace dpi
