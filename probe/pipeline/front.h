// The first stage: every packet is counted in exactly one bucket, given its place in time, decoded,
// put together with its fragments and handed to its lane. One front per source; owned by the thread
// that polls it; no clock, no log, no random.
#pragma once

#include <cstdint>
#include <optional>

#include "dissectors/decode.h"
#include "probe/flow/duplicate_window.h"
#include "probe/flow/fragment_table.h"
#include "probe/pipeline/lane.h"

namespace dpi {

struct FrontLimits {
  DecodeOptions decode;
  FragmentLimits fragments;
  KeyScope key{};
};

// Every packet in exactly one bucket.
struct PacketLedger {
  std::uint64_t offered = 0;
  std::uint64_t decoded = 0;
  std::uint64_t filtered = 0;
  std::uint64_t malformed = 0;
  std::uint64_t not_ip = 0;
  std::uint64_t shed = 0;  // decoded, but its worker was behind
  std::uint64_t bytes_shed = 0;
  std::uint64_t bytes_offered = 0;
  std::uint64_t truncated = 0;  // inside the buckets above
  std::uint64_t checksum_bad = 0;
  std::uint64_t time_backward_steps = 0;
  std::optional<Timestamp> last_packet_at;  // clamped; of filtered packets too
};

// What a source says of itself, cumulative.
struct SourceStats {
  std::uint64_t dropped_kernel = 0;
  std::uint64_t dropped_nic = 0;
  std::uint64_t dropped_no_buffer = 0;
  std::uint64_t ring_freezes = 0;
  std::uint64_t coalesced = 0;
  std::uint64_t checksum_partial = 0;
  std::uint64_t link_changes = 0;
  std::uint64_t reopened = 0;
  bool link_down = false;  // now

  SourceStats& operator+=(const SourceStats& other) noexcept;
};

struct FrontStats {
  std::uint32_t front = 0;
  PacketLedger packets;
  SourceStats source;
  AnomalyCounters anomalies;  // of packets

  FrontStats& operator+=(const FrontStats& other) noexcept;
};

// Where packets go. A packet's views live until the call returns.
class LaneDispatcher {
 public:
  virtual ~LaneDispatcher() = default;
  // False: its worker is behind and the packet was not taken.
  virtual bool packet(std::uint32_t lane, const LanePacket& packet) = 0;
  // Packet time has reached a new second; told before the first packet of it.
  virtual void tick(FactNumber number, Timestamp now, const FrontStats& stats) = 0;
  // One packet of a canary; the last one ends it. False: its worker is behind.
  virtual bool canary(std::uint64_t canary, const LanePacket& packet, bool last) = 0;
  // The clock that packets are timed by has stepped, for the n-th time; before what has the number
  // `next`.
  virtual void clock_stepped(FactNumber next, std::uint64_t nth, Nanoseconds delta) = 0;
  // A capture has ended.
  virtual void finish(FactNumber number, EndReason reason, const FrontStats& stats) = 0;
};

struct FrontSeeds {
  HashSeed tables;  // changes nothing
  HashSeed lanes;   // the same for all fronts; may change what goes at a limit
};

class Front {
 public:
  // Front `front` of `fronts`: their numbers never meet.
  Front(const FrontLimits& limits, FrontSeeds seeds, LaneDispatcher& dispatcher,
        std::uint32_t front = 0, std::uint32_t fronts = 1);

  void process(const RawPacket& packet);
  void count_filtered(const RawPacket& packet) noexcept;
  // Nothing came: time goes on all the same. For live sources, with the wall clock less the time
  // that a packet may be under way; never goes back.
  void idle(Timestamp now);
  // For live sources: wall clock less CLOCK_BOOTTIME, before the packets of a poll. When it jumps,
  // the clock has stepped: everything that lasts is moved along, so that nothing expires and no
  // duration turns negative. Gives the step, or nothing.
  std::optional<Nanoseconds> observe_clock(Nanoseconds offset);
  // The same for a replay, whose packets say themselves that their clock was set.
  void step_clock(Nanoseconds delta);
  // Sends that canary through (canary.h), at this front's time: not before a packet or idle().
  // False: it could not even be decoded.
  bool release_canary(std::uint64_t canary);
  // What is odd about the capture itself, not about one of its packets.
  void count(Anomaly anomaly) noexcept { stats_.anomalies.add(anomaly); }
  void set_source(const SourceStats& stats) noexcept { stats_.source = stats; }
  // The end of a capture: everything ends, and time may begin anew.
  void finish(EndReason reason);

  // Of the newest packet or tick handed on; everything up to it has been.
  [[nodiscard]] FactNumber last_number() const noexcept { return next_number_ - fronts_; }
  // Newest packet time of this capture; the epoch before the first packet.
  [[nodiscard]] Timestamp now() const noexcept { return now_; }
  [[nodiscard]] const FrontStats& stats() const noexcept { return stats_; }

 private:
  Timestamp clamp(Timestamp time) noexcept;
  void advance(Timestamp now);
  FactNumber take_number() noexcept;
  // Who speaks for a packet; null: nobody yet.
  struct Speakers {
    const PacketView* classified;
    const PacketView* dissected;
    const PacketView* facts;
    std::optional<bool> copy{};
  };
  void hand_on(const PacketView& view, PortPair ports, Timestamp time, const Speakers& speakers);
  void hand_inside(const PacketView& datagram, Timestamp time);
  void process_fragment(PacketView& view, bool copy, Timestamp time);
  void process_outer_fragment(PacketView& view, bool copy, Timestamp time);
  void release(const std::vector<HeldFragment>& held, PortPair ports);
  void give_up(std::vector<HeldFragment> held);

  LaneDispatcher& dispatcher_;
  DecodeOptions decode_;
  KeyScope key_;
  HashSeed lanes_;
  FragmentTable fragments_;
  DuplicateWindow recent_fragments_;
  PacketView view_;
  FrontStats stats_;
  std::uint32_t fronts_;
  FactNumber next_number_;
  Timestamp now_{};
  bool began_ = false;
  std::optional<Nanoseconds> clock_offset_;
  std::uint64_t clock_steps_ = 0;
};

}  // namespace dpi
