// A scan or a flood is one fact, not a million: of flows of one packet, what comes above a number
// in ten seconds from one source, to one target, or from and to anybody, is told together.
// Everything follows from the order of facts and from packet time. Bounded: who finds no room is
// told flow by flow, until the sum of all is a flood too.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <vector>

#include "probe/event/scan.h"

namespace dpi {

// A flow that had one packet in its life.
struct LoneFlow {
  IpAddress src;
  IpAddress dst;
  std::uint16_t src_port = 0;
  std::uint16_t dst_port = 0;
  std::uint8_t protocol = 0;
  Timestamp at{};
  std::uint64_t ip_bytes = 0;
};

class ScanAggregator {
 public:
  // Sources, targets and the one that is neither, at most.
  static constexpr std::size_t entries_max = std::size_t{3} * 4096;

  // Flows in a window above which the rest is told together; 0: never.
  explicit ScanAggregator(std::uint64_t flows_max) noexcept : flows_max_(flows_max) {}

  // True: the flow is told with others. What is complete by then is appended to `done`.
  bool take(const LoneFlow& flow, std::vector<ScanFacts>& done);
  // Packet time has reached `now`.
  void expire(Timestamp now, std::vector<ScanFacts>& done);
  // The capture is over.
  void finish(std::vector<ScanFacts>& done);

 private:
  static constexpr std::int64_t window_s = 10;
  static constexpr std::size_t tracked_max = entries_max / 3;  // of each kind
  // Who has nothing in common sends from and to thousands.
  static constexpr std::uint64_t any_factor = 16;

  struct Key {
    ScanKind kind;
    std::uint8_t protocol;
    IpAddress who;
    auto operator<=>(const Key&) const = default;
  };
  struct Entry {
    std::int64_t window = 0;
    std::uint64_t count = 0;  // of flows in it
    bool over = false;        // from its beginning: the window before was a flood
    Timestamp heard_at{};
    ScanFacts facts{};
  };
  using Entries = std::map<Key, Entry>;

  bool take_as(const Key& key, const LoneFlow& flow, std::vector<ScanFacts>& done);
  [[nodiscard]] std::uint64_t limit(ScanKind kind) const noexcept {
    return kind == ScanKind::any ? flows_max_ * any_factor : flows_max_;
  }
  void next_window(Entry& entry, const Key& key, std::int64_t window, std::vector<ScanFacts>& done);
  static void tell(Entry& entry, std::vector<ScanFacts>& done);

  std::uint64_t flows_max_;
  Entries entries_;
  std::array<std::size_t, 3> tracked_{};  // by kind
  Timestamp now_{};
};

}  // namespace dpi
