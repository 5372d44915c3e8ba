#include "capture/interface/link_watcher.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "capture/native_bytes.h"

namespace dpi {
namespace {

// The kernel fills dump datagrams up to 32 KiB when the reader offers that much.
constexpr std::size_t datagram_bytes_max = 32U << 10U;

std::string reason() {
  return std::generic_category().message(errno);
}

Result<FileDescriptor> open_netlink(unsigned groups, int flags) {
  FileDescriptor fd{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE)};
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  void* const any = &address;
  if (!fd || ::bind(fd.get(), static_cast<sockaddr*>(any), sizeof address) != 0)
    return fail(Errc::failure, "network interfaces cannot be watched (rtnetlink): " + reason());
  return fd;
}

// Whether the dump ends in this datagram: NLMSG_DONE or an error.
bool dump_ends(Bytes datagram) {
  std::size_t offset = 0;
  while (const auto head = read_native<nlmsghdr>(datagram, offset)) {
    if (head->nlmsg_type == NLMSG_DONE || head->nlmsg_type == NLMSG_ERROR) return true;
    if (head->nlmsg_len < sizeof(nlmsghdr) || head->nlmsg_len > datagram.size() - offset) break;
    offset += NLMSG_ALIGN(head->nlmsg_len);
  }
  return false;
}

std::string cannot_list() {
  return "network interfaces cannot be listed (rtnetlink): " + reason();
}

// Index 0 asks for all.
Result<std::vector<LinkState>> request_links(int index) {
  const auto fd = open_netlink(0, 0);
  if (!fd) return tl::unexpected(fd.error());
  struct {
    nlmsghdr head{};
    ifinfomsg info{};
  } request;
  request.head.nlmsg_len = sizeof request;
  request.head.nlmsg_type = RTM_GETLINK;
  request.head.nlmsg_flags =
      static_cast<std::uint16_t>(NLM_F_REQUEST | (index == 0 ? NLM_F_DUMP : 0));
  request.info.ifi_index = index;
  if (::send(fd->get(), &request, sizeof request, 0) < 0) return fail(Errc::failure, cannot_list());
  std::vector<LinkState> links;
  ByteBuffer buffer(datagram_bytes_max);
  // Bounded: an interface takes about 1.5 KiB, so this is far more than a kernel has.
  constexpr int datagrams_max = 65'536;
  for (int i = 0; i < datagrams_max; ++i) {
    const ssize_t n = ::recv(fd->get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(Errc::failure, cannot_list());
    const Bytes datagram{buffer.data(), static_cast<std::size_t>(n)};
    for (LinkState& link : parse_link_messages(datagram)) links.push_back(std::move(link));
    if (index != 0 || dump_ends(datagram)) break;
  }
  return links;
}

}  // namespace

Result<std::vector<LinkState>> list_links() {
  return request_links(0);
}

std::optional<LinkState> read_link(int index) {
  auto links = request_links(index);
  if (!links || links->empty()) return std::nullopt;
  return std::move(links->front());
}

Result<LinkState> find_link(const std::string& name) {
  auto links = list_links();
  if (!links) return tl::unexpected(links.error());
  for (LinkState& link : *links)
    if (link.name == name) return std::move(link);
  return fail(Errc::input, "there is no interface '" + name +
                               "'; `ransomeye-dpi interfaces` lists those that can be captured");
}

Result<LinkWatcher> LinkWatcher::open() {
  auto fd = open_netlink(RTMGRP_LINK, SOCK_NONBLOCK);
  if (!fd) return tl::unexpected(fd.error());
  return LinkWatcher{std::move(*fd)};
}

LinkChanges LinkWatcher::changes() {
  LinkChanges changes;
  std::array<std::uint8_t, datagram_bytes_max> buffer;
  constexpr int datagrams_max = 256;  // at once; the rest waits for the next call
  for (int i = 0; i < datagrams_max; ++i) {
    const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == ENOBUFS) {
      if (auto all = list_links()) changes = {.links = std::move(*all), .complete = true};
      continue;
    }
    if (n <= 0) break;
    for (LinkState& link : parse_link_messages(Bytes{buffer.data(), static_cast<std::size_t>(n)})) {
      // After a complete list a removal must still be seen as one.
      changes.links.push_back(std::move(link));
    }
  }
  return changes;
}

}  // namespace dpi
