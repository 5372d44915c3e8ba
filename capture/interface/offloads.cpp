#include "capture/interface/offloads.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <new>

#include "probe/base/file_descriptor.h"

namespace dpi {
namespace {

class Ethtool {
 public:
  explicit Ethtool(const std::string& interface_name)
      : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    std::strncpy(request_.ifr_name, interface_name.c_str(), IFNAMSIZ - 1);
  }

  // The driver fills in the command's structure; false when it does not know the command.
  template <class Command>
  bool ask(std::uint32_t number, Command& command) {
    command.cmd = number;
    void* const data = &command;
    request_.ifr_data = static_cast<char*>(data);
    return ::ioctl(fd_.get(), SIOCETHTOOL, &request_) == 0;  // NOLINT(*-vararg)
  }
  std::uint32_t value(std::uint32_t number) {
    ethtool_value answer{};
    return ask(number, answer) ? answer.data : 0;
  }

 private:
  FileDescriptor fd_;
  ifreq request_{};
};

template <std::size_t size>
std::string text_of(const char (&field)[size]) {
  return {field, ::strnlen(field, size)};
}

std::int64_t speed_of(Ethtool& ethtool) {
  // Three masks of link modes follow the structure; the kernel first says, negative, how many words
  // each has.
  constexpr std::size_t modes_bytes_max = 3 * 127 * sizeof(std::uint32_t);
  alignas(ethtool_link_settings)
      std::array<std::uint8_t, sizeof(ethtool_link_settings) + modes_bytes_max>
          storage{};
  auto* const settings = ::new (storage.data()) ethtool_link_settings{};
  if (!ethtool.ask(ETHTOOL_GLINKSETTINGS, *settings)) return 0;
  if (settings->link_mode_masks_nwords < 0) {
    settings->link_mode_masks_nwords = static_cast<std::int8_t>(-settings->link_mode_masks_nwords);
    if (!ethtool.ask(ETHTOOL_GLINKSETTINGS, *settings)) return 0;
  }
  const std::uint32_t speed = settings->speed;
  return speed == static_cast<std::uint32_t>(SPEED_UNKNOWN) ? 0 : std::int64_t{speed};
}

}  // namespace

CardFacts interface_facts(const std::string& interface_name) {
  Ethtool ethtool{interface_name};
  CardFacts facts;
  if (ethtool_drvinfo info{}; ethtool.ask(ETHTOOL_GDRVINFO, info)) {
    facts.driver = text_of(info.driver);
    facts.bus = text_of(info.bus_info);
  }
  facts.speed_mbit_s = speed_of(ethtool);
  if (ethtool_channels channels{}; ethtool.ask(ETHTOOL_GCHANNELS, channels))
    facts.rx_channels = channels.rx_count + channels.combined_count;
  if (ethtool_ringparam ring{}; ethtool.ask(ETHTOOL_GRINGPARAM, ring)) {
    facts.rx_ring = ring.rx_pending;
    facts.rx_ring_max = ring.rx_max_pending;
  }
  facts.gro = ethtool.value(ETHTOOL_GGRO) != 0;
  facts.lro = (ethtool.value(ETHTOOL_GFLAGS) & ETH_FLAG_LRO) != 0;
  facts.tso = ethtool.value(ETHTOOL_GTSO) != 0;
  facts.gso = ethtool.value(ETHTOOL_GGSO) != 0;
  return facts;
}

std::string ethtool_remedy(const std::string& interface_name, const CardFacts& facts, bool sends) {
  std::string features;
  if (facts.gro) features += " gro off";
  if (facts.lro) features += " lro off";
  if (sends && facts.tso) features += " tso off";
  if (sends && facts.gso) features += " gso off";
  return features.empty() ? "" : "ethtool -K " + interface_name + features;
}

}  // namespace dpi
