// Application metadata of every flow, by our own parsers: protocols are told by content, not by
// port, each direction by itself, so that a mirror of one direction tells what that direction says.
// State hangs on the flow's index; a flow without payload has next to none, and one whose metadata
// is settled costs a branch. Segments that their receiver drops are not read. One thread.
#pragma once

#include <memory>
#include <vector>

#include "dissectors/packet_view.h"
#include "probe/flow/flow.h"
#include "probe/metadata/app_metadata.h"
#include "probe/metadata/datagram_reader.h"
#include "probe/metadata/detection.h"
#include "probe/metadata/stream_reader.h"
#include "probe/stream/byte_stream.h"

namespace dpi {

struct MetadataLimits {
  std::size_t stream_bytes_max = 32U << 10U;  // of one direction
  // Packets with payload of one direction in which a protocol may still begin (STARTTLS, captures
  // that begin in the middle).
  std::uint8_t packets_watched = 32;
};

class MetadataTracker {
 public:
  MetadataTracker(MetadataLimits limits, StreamMemory& memory) noexcept
      : limits_(limits), memory_(memory) {}

  // One packet of the flow, counted in it already; what was noticed in it.
  AnomalySet observe(const Flow& flow, Side sender, const PacketView& view);
  // What is known so far, also of messages that may never be whole; nothing: no protocol of ours.
  // Valid until the flow's next packet or end.
  [[nodiscard]] const AppMetadata* find(const Flow& flow);
  // What is kept for the flow, beside the bytes of its streams (StreamMemory counts those).
  [[nodiscard]] std::size_t memory_bytes(const Flow& flow) const noexcept {
    return flow.index < states_.size() ? states_[flow.index].bytes : 0;
  }
  // The flow is gone: what was kept for it is freed.
  void flow_ended(const Flow& flow);

 private:
  enum class Phase : std::uint8_t {
    fresh,     // no payload yet
    reading,   // bytes are put in order
    watching,  // not from its first byte on; every packet may begin something
    done,
  };
  struct Reading {
    Reading(StreamMemory& memory, std::size_t bytes_max) noexcept : stream(memory, bytes_max) {}
    ByteStream stream;
    std::unique_ptr<StreamReader> reader;
  };
  // A segment that came before its predecessor while nothing had begun.
  struct Early {
    std::uint32_t sequence = 0;
    ByteBuffer bytes;
  };
  struct Direction {
    Phase phase = Phase::fresh;
    bool tls_only = false;         // watching a stream whose first bytes were something else
    bool midway = false;           // what is read began behind the stream's first byte
    bool checksums_right = false;  // of a segment at least
    std::uint8_t watched = 0;
    std::optional<std::uint32_t> watched_to;   // while watching: sequence number of what comes next
    std::optional<std::uint32_t> readable_to;  // where something else begins in what is read
    std::unique_ptr<Early> early;
    std::unique_ptr<Reading> reading;
  };
  struct State {
    std::array<Direction, 2> directions;
    std::unique_ptr<DatagramReader> datagrams;
    std::unique_ptr<AppMetadata> metadata;
    std::size_t bytes = 0;  // of what hangs here

    void measure() noexcept;
  };

  State& state_of(const Flow& flow);
  AnomalySet observe_tcp(const Flow& flow, State& state, Side sender, const PacketView& view);
  AnomalySet observe_udp(State& state, Side sender, Bytes payload);
  void begin(Direction& direction, const TcpSide& side, const PacketView& view);
  bool watch(Direction& direction, const PacketView& view);
  static void remember(Direction& direction, std::uint32_t sequence, Bytes payload);
  static Bytes readable_part(const Direction& direction, const PacketView& view);
  void expect_answer(State& state, Side sender, const PacketView& view);
  AnomalySet read(State& state, Side sender, const PacketView& view);
  void settle(State& state, Direction& direction, ReadState outcome);
  std::unique_ptr<StreamReader> make_reader(StreamStart start, Side sender);
  std::unique_ptr<Reading> make_reading();

  MetadataLimits limits_;
  StreamMemory& memory_;
  std::vector<State> states_;  // by the flow's index
};

}  // namespace dpi
