// Datagrams in pieces (RFC 791 §3.2, RFC 8200 §4.5): every fragment is counted under the ports of
// its datagram's first fragment, and the whole is handed over once for dissection. Overlaps: the
// bytes that came first stay, the overlap is an anomaly. Memory is bounded: at a limit the oldest
// datagram of the source that holds most is given up, so that one who fills the table evicts
// himself; of sources that hold no more than a fair amount, the oldest of all goes, so that
// made-up ones cannot each hold a little less than an honest one and stay (probe/base/holders.h).
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "dissectors/decode.h"
#include "probe/base/holders.h"
#include "probe/base/time.h"
#include "probe/flow/flow_key.h"

namespace dpi {

struct FragmentLimits {
  DecodeOptions decode{};
  std::size_t datagrams_max = 4096;
  std::size_t bytes_max = 8U << 20U;
  std::size_t held_max = 16'384;     // fragments that wait for the first one of their datagram
  std::chrono::seconds timeout{30};  // RFC 8200 §4.5 says 60; RFC 791 15
};

// A fragment whose counting waited for the first one of its datagram.
struct HeldFragment {
  PacketView view;  // spans emptied: the frame is gone by the time it is counted
  Timestamp time{};
  bool copy = false;  // of a fragment that was seen
};

struct FragmentOutcome {
  std::optional<PortPair> ports;       // known: count this fragment now
  std::vector<HeldFragment> released;  // count these first, under the same ports
  std::vector<HeldFragment> given_up;  // had to make room: count these first, under ports 0
  // The whole datagram, once: a view whose payload lies in the table until the next call.
  const PacketView* datagram = nullptr;
  // What the datagram says waits for its other pieces; otherwise its first piece speaks for itself.
  bool waiting = false;
};

class FragmentTable {
 public:
  explicit FragmentTable(FragmentLimits limits, HashSeed seed = {})
      : limits_(limits), holders_(seed, std::min(fair_bytes, limits.bytes_max / 64)) {}

  // `view.fragment.present` must hold. Without ports the fragment was held back. What is wrong with
  // the fragment is added to the view's anomalies, and its payload_bytes become what it adds to its
  // datagram's. Of a datagram whose pieces all are mirrored copies the whole is not handed over.
  [[nodiscard]] FragmentOutcome add(PacketView& view, Timestamp time, bool copy = false);
  // Fragments whose first one never came, oldest first: to be counted under ports 0.
  [[nodiscard]] std::vector<HeldFragment> expire(Timestamp now);
  [[nodiscard]] std::vector<HeldFragment> finish();
  // Datagrams that were given up since the last call because a piece of them never came.
  [[nodiscard]] std::uint64_t take_incomplete() noexcept { return std::exchange(incomplete_, 0); }
  // Of those, how many had to make room.
  [[nodiscard]] std::uint64_t take_evicted() noexcept { return std::exchange(evicted_, 0); }
  // The clock has stepped by this much.
  void shift(Nanoseconds delta);

 private:
  struct Key {
    IpAddress src;
    IpAddress dst;
    std::uint32_t id = 0;
    std::uint8_t protocol = 0;
    std::uint64_t vlan = 0;  // networks that overlap: a datagram does not change its own on the way
    std::uint64_t tunnel = 0;
    auto operator<=>(const Key&) const = default;
  };
  // A few datagrams of an honest size, whole or not.
  static constexpr std::size_t fair_bytes = 16U << 10U;
  // What a piece costs beside its bytes: its place, a buffer of its own.
  static constexpr std::size_t piece_bytes = 64;

  struct Piece {
    std::uint32_t from = 0;
    ByteBuffer bytes;
    [[nodiscard]] std::uint32_t end() const noexcept {
      return from + static_cast<std::uint32_t>(bytes.size());
    }
  };
  struct Datagram {
    Holders<Datagram>::Place held;  // as Holders calls it
    const Key* key = nullptr;       // its own in the table
    Timestamp began{};
    std::optional<PortPair> ports;
    std::optional<PacketView> first;
    std::vector<HeldFragment> waiting;
    std::vector<Piece> pieces;  // sorted, not overlapping
    std::size_t bytes = 0;      // of them
    std::uint32_t total = 0;    // known from the last fragment; 0: not yet
    bool complete = false;
    bool gave_up = false;             // over a limit: counted only
    bool news = false;                // one piece at least is no mirrored copy
    bool has_transport = false;       // the first piece held the whole transport header
    std::uint32_t payload_bytes = 0;  // counted so far
    // What it takes of bytes_max.
    [[nodiscard]] std::size_t kept() const noexcept { return bytes + pieces.size() * piece_bytes; }
  };

  static void count_payload(Datagram& datagram, PacketView& view) noexcept;
  [[nodiscard]] static std::size_t cost(const Datagram& datagram) noexcept;
  bool make_room(const Datagram* keeps, FragmentOutcome& out);
  bool store(Datagram& datagram, PacketView& view, FragmentOutcome& out);
  void begin_again(Datagram& datagram, Timestamp time);
  void forget(Datagram& datagram) noexcept;
  void erase(std::map<Key, Datagram>::iterator at);
  static std::vector<Piece>::iterator behind(Datagram& datagram, std::uint32_t from) noexcept;
  static bool overlaps(Datagram& datagram, std::uint32_t from, Bytes bytes) noexcept;
  bool assemble(Datagram& datagram);
  void drop_bytes(Datagram& datagram) noexcept;
  std::vector<HeldFragment> take_held(Datagram& datagram);

  FragmentLimits limits_;
  std::map<Key, Datagram> datagrams_;  // ordered: nothing depends on a hash
  Holders<Datagram> holders_;          // by source address
  std::size_t bytes_ = 0;              // what all datagrams keep
  std::size_t held_ = 0;
  std::uint64_t incomplete_ = 0;
  std::uint64_t evicted_ = 0;
  ByteBuffer assembled_;
  PacketView assembled_view_;
  std::int64_t last_tick_ = 0;
};

}  // namespace dpi
