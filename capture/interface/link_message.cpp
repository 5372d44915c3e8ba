#include "capture/interface/link_message.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <optional>

#include "capture/native_bytes.h"

namespace dpi {
namespace {

constexpr unsigned lower_up = 1U << 16U;  // IFF_LOWER_UP of linux/if.h, which net/if.h lacks

std::size_t aligned(std::size_t bytes) noexcept {
  return (bytes + NLMSG_ALIGNTO - 1) & ~std::size_t{NLMSG_ALIGNTO - 1};
}

// The attribute's bytes up to the first NUL.
std::string text_of(Bytes value) {
  const auto end = std::find(value.begin(), value.end(), std::uint8_t{0});
  return {value.begin(), end};
}

void take_attribute(std::uint16_t type, Bytes value, LinkState& link) {
  switch (type) {
    case IFLA_IFNAME:
      link.name = text_of(value);
      break;
    case IFLA_MTU:
      link.mtu_bytes = read_native<std::uint32_t>(value, 0).value_or(0);
      break;
    case IFLA_NUM_RX_QUEUES:
      link.rx_queues = read_native<std::uint32_t>(value, 0).value_or(0);
      break;
    case IFLA_STATS64:
      // Later kernels append members, earlier ones lack some: these three lie at the front.
      if (const auto missed =
              read_native<std::uint64_t>(value, offsetof(rtnl_link_stats64, rx_missed_errors))) {
        link.has_counters = true;
        link.counters.rx_missed = *missed;
        link.counters.rx_packets =
            *read_native<std::uint64_t>(value, offsetof(rtnl_link_stats64, rx_packets));
        link.counters.rx_dropped =
            *read_native<std::uint64_t>(value, offsetof(rtnl_link_stats64, rx_dropped));
      }
      break;
    default:
      break;
  }
}

std::optional<LinkState> parse_link(std::uint16_t type, Bytes message) {
  const auto info = read_native<ifinfomsg>(message, 0);
  // A port that leaves a bridge is "deleted" too, in the family of bridges.
  if (!info || info->ifi_family != AF_UNSPEC) return std::nullopt;
  LinkState link;
  link.index = info->ifi_index;
  link.hardware = info->ifi_type;
  link.removed = type == RTM_DELLINK;
  link.up = (info->ifi_flags & IFF_UP) != 0;
  link.carrier = link.up && (info->ifi_flags & lower_up) != 0;
  link.loopback = (info->ifi_flags & IFF_LOOPBACK) != 0;
  std::size_t offset = aligned(sizeof(ifinfomsg));
  while (const auto attribute = read_native<rtattr>(message, offset)) {
    if (attribute->rta_len < sizeof(rtattr) || attribute->rta_len > message.size() - offset) break;
    const Bytes value =
        message.subspan(offset + sizeof(rtattr), attribute->rta_len - sizeof(rtattr));
    take_attribute(attribute->rta_type, value, link);
    offset += aligned(attribute->rta_len);
  }
  if (link.name.empty()) return std::nullopt;
  return link;
}

}  // namespace

std::vector<LinkState> parse_link_messages(Bytes datagram) {
  std::vector<LinkState> links;
  std::size_t offset = 0;
  while (const auto head = read_native<nlmsghdr>(datagram, offset)) {
    if (head->nlmsg_len < sizeof(nlmsghdr) || head->nlmsg_len > datagram.size() - offset) break;
    if (head->nlmsg_type == RTM_NEWLINK || head->nlmsg_type == RTM_DELLINK) {
      const Bytes message =
          datagram.subspan(offset + sizeof(nlmsghdr), head->nlmsg_len - sizeof(nlmsghdr));
      if (auto link = parse_link(head->nlmsg_type, message)) links.push_back(std::move(*link));
    }
    offset += aligned(head->nlmsg_len);
  }
  return links;
}

}  // namespace dpi
