// Any bytes as a netlink datagram: no read outside, and nothing without a name.
#include <cstddef>
#include <cstdint>

#include "capture/interface/link_message.h"
#include "probe/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto links = dpi::parse_link_messages({data, size});
  DPI_CHECK(links.size() <= size / 16);
  for (const dpi::LinkState& link : links) {
    DPI_CHECK(!link.name.empty() && link.name.size() < size);
    DPI_CHECK(link.up || !link.carrier);
  }
  return 0;
}
