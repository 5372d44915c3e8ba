#include "capture/interface/link_type.h"

#include <linux/if_arp.h>

namespace dpi {

std::optional<LinkType> link_type_of(std::uint16_t hardware) noexcept {
  switch (hardware) {
    case ARPHRD_ETHER:
    case ARPHRD_LOOPBACK:
      return LinkType{1};
    case ARPHRD_IEEE80211:
      return LinkType{105};
    case ARPHRD_IEEE80211_RADIOTAP:
      return LinkType{127};
    case ARPHRD_NONE:
    case ARPHRD_PPP:
    case ARPHRD_RAWIP:
    case ARPHRD_SIT:
    case ARPHRD_TUNNEL:
    case ARPHRD_TUNNEL6:
      return LinkType{101};
    default:
      return std::nullopt;
  }
}

}  // namespace dpi
