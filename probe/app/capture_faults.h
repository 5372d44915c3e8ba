// What keeps a capture from being read whole: it ends too early, is damaged, or holds packets of
// links that nobody decodes. Told to people, by the exit code and in the heartbeat.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "probe/base/packet.h"
#include "probe/pipeline/front.h"

namespace dpi {

// The packets of a capture, by whether their link type can be decoded.
class LinkCensus {
 public:
  void count(std::span<const RawPacket> packets);

  struct Unknown {
    std::uint32_t link_type = 0;
    std::uint64_t packets = 0;
  };
  [[nodiscard]] const std::vector<Unknown>& unknown() const noexcept { return unknown_; }
  // It had packets, and all were of links that are not decoded.
  [[nodiscard]] bool all_unknown() const noexcept { return !unknown_.empty() && known_ == 0; }

 private:
  void count_unknown(std::uint32_t link_type, std::uint64_t packets);

  static constexpr std::size_t unknown_max = 16;  // a pcapng file may have thousands; told apart

  std::uint64_t known_ = 0;
  std::vector<Unknown> unknown_;
};

struct CaptureFaults {
  std::string name;  // of the capture, for people
  bool cut = false;
  bool damaged = false;
  bool grew = false;  // while it was read
  LinkCensus links{};

  // Whether the exit code says so.
  [[nodiscard]] bool any() const noexcept { return cut || damaged || links.all_unknown(); }
  // The packets' own anomalies are counted with them.
  void count_in(Front& front) const noexcept;
  // What nobody else has said yet.
  [[nodiscard]] std::vector<std::string> sentences() const;
};

}  // namespace dpi
