#include "probe/metadata/metadata_tracker.h"

#include <algorithm>
#include <utility>

#include "dissectors/checksum.h"
#include "dissectors/padding.h"

namespace dpi {
namespace {

// A SYN takes a number of its own (RFC 9293 §3.4); with TCP Fast Open data comes with it.
std::uint32_t payload_sequence(const PacketView& view) noexcept {
  return view.tcp.sequence + ((view.tcp.flags & tcp_flag::syn) != 0 ? 1U : 0U);
}

// RFC 9293 §3.10.7.4: an acknowledgement of what the other side cannot have sent. What we may have
// missed of it is allowed for.
bool acknowledges_nothing(const TcpSide& other, const PacketView& view) noexcept {
  constexpr std::int32_t missed_max = 1 << 20;
  if ((view.tcp.flags & tcp_flag::ack) == 0 || !other.start_known || !other.seen) return false;
  const std::uint32_t ack = view.tcp.acknowledgement;
  return static_cast<std::int32_t>(ack - other.start_sequence) < 0 ||
         static_cast<std::int32_t>(ack - other.next_sequence) > missed_max;
}

// Whether the receiver takes the segment's bytes. Decoys are sent so that only an observer does.
// A wrong checksum says so where the sender has shown that its checksums are right.
bool receiver_takes(const TcpSide& other, bool& checksums_right, const PacketView& view) noexcept {
  const Checksum checksum =
      view.checksum == Checksum::right ? view.checksum : transport_checksum(view);
  if (checksum == Checksum::wrong && checksums_right) return false;
  checksums_right = checksums_right || checksum == Checksum::right;
  return !acknowledges_nothing(other, view) && !is_counted_padding(view);
}

// Segments that change places on their way are not further apart.
constexpr std::int32_t early_ahead_max = 1 << 16;
constexpr std::size_t early_bytes_max = 2048;

}  // namespace

MetadataTracker::State& MetadataTracker::state_of(const Flow& flow) {
  if (flow.index >= states_.size()) states_.resize(flow.index + std::size_t{1024});
  return states_[flow.index];
}

const AppMetadata* MetadataTracker::find(const Flow& flow) {
  if (flow.index >= states_.size()) return nullptr;
  State& state = states_[flow.index];
  if (!state.metadata) return nullptr;
  for (const Direction& each : state.directions) {
    if (each.reading && each.reading->reader) each.reading->reader->conclude(*state.metadata);
  }
  if (state.datagrams) state.datagrams->conclude(*state.metadata);
  return *state.metadata == AppMetadata{} ? nullptr : state.metadata.get();
}

void MetadataTracker::State::measure() noexcept {
  bytes = metadata ? metadata->memory_bytes() : 0;
  if (datagrams) bytes += datagrams->memory_bytes();
  for (const Direction& each : directions) {
    if (each.early) bytes += sizeof(Early) + each.early->bytes.capacity();
    if (!each.reading) continue;
    bytes += sizeof(Reading) + (each.reading->reader ? each.reading->reader->memory_bytes() : 0);
  }
}

void MetadataTracker::flow_ended(const Flow& flow) {
  if (flow.index < states_.size()) states_[flow.index] = State{};
}

AnomalySet MetadataTracker::observe(const Flow& flow, Side sender, const PacketView& view) {
  if (!view.has_transport || view.fragment.present || view.protocol != flow.key.protocol) return {};
  if (view.protocol == ip_protocol::tcp) {
    const bool opens = (view.tcp.flags & tcp_flag::syn) != 0;
    if (view.payload.empty() && !opens) return {};
    State& state = state_of(flow);
    if (state.directions[index(sender)].phase == Phase::done) return {};
    const AnomalySet found = observe_tcp(flow, state, sender, view);
    state.measure();
    return found;
  }
  if (view.protocol != ip_protocol::udp || view.payload.empty()) return {};
  State& state = state_of(flow);
  if (state.directions[index(sender)].phase == Phase::done) return {};
  const AnomalySet found = observe_udp(state, sender, view.payload);
  state.measure();
  return found;
}

std::unique_ptr<MetadataTracker::Reading> MetadataTracker::make_reading() {
  return std::make_unique<Reading>(memory_, limits_.stream_bytes_max);
}

std::unique_ptr<StreamReader> MetadataTracker::make_reader(StreamStart start, Side sender) {
  switch (start) {
    case StreamStart::tls_client:
    case StreamStart::tls_server:
      return make_tls_reader(memory_);
    case StreamStart::http1_request:
      return make_http1_request_reader();
    case StreamStart::http1_response:
      return make_http1_response_reader();
    case StreamStart::http2_client:
      return make_http2_reader(true);
    case StreamStart::http2_server:
      return make_http2_reader(false);
    case StreamStart::ssh:
      return make_ssh_reader(sender);
    default:
      return nullptr;
  }
}

AnomalySet MetadataTracker::observe_tcp(const Flow& flow, State& state, Side sender,
                                        const PacketView& view) {
  Direction& direction = state.directions[index(sender)];
  if (!receiver_takes(flow.tcp.side(other(sender)), direction.checksums_right, view)) return {};
  if (view.payload.empty()) return {};
  if (direction.phase == Phase::fresh) begin(direction, flow.tcp.side(sender), view);
  AnomalySet found;
  if (direction.phase == Phase::reading) found = read(state, sender, view);
  if (direction.phase != Phase::watching || !watch(direction, view)) return found;
  return found | read(state, sender, view);
}

// The first payload of a direction. What cannot become a protocol of ours is not kept.
void MetadataTracker::begin(Direction& direction, const TcpSide& side, const PacketView& view) {
  const bool known = side.start_known;
  const bool at_start = known && side.start_sequence == payload_sequence(view);
  const Preamble before = preamble(view.payload);
  const StreamStart start = known ? detect(view.payload) : detect_midway(view.payload);
  direction.tls_only = known;
  if ((at_start || !known) && start == StreamStart::none && before.bytes == 0 && !before.cut) {
    direction.phase = Phase::watching;
    direction.watched_to = payload_sequence(view);
    return;
  }
  direction.phase = Phase::reading;
  direction.reading = make_reading();
  if (known) direction.reading->stream.start(side.start_sequence);
}

// True when something begins with this packet or in it; its stream is then ready for it.
bool MetadataTracker::watch(Direction& direction, const PacketView& view) {
  if (++direction.watched > limits_.packets_watched) {
    direction.phase = Phase::done;
    return false;
  }
  std::optional<std::size_t> at;
  if (!direction.tls_only) {
    const StreamStart start = detect_midway(view.payload);
    if (start != StreamStart::none && start != StreamStart::perhaps) at = 0;
  }
  if (!at) at = find_hello(view.payload);
  if (!at) at = find_identification(view.payload);
  const std::uint32_t sequence = payload_sequence(view);
  if (!at) {
    remember(direction, sequence, view.payload);
    return false;
  }
  direction.phase = Phase::reading;
  direction.midway = true;
  direction.reading = make_reading();
  direction.reading->stream.start(sequence + static_cast<std::uint32_t>(*at));
  direction.readable_to.reset();
  if (const auto packet = tds_packet_bytes(view.payload); packet && *at == tds_header_bytes)
    direction.readable_to = sequence + *packet;
  return true;
}

// What begins in a segment that is yet to come may go on in this one.
void MetadataTracker::remember(Direction& direction, std::uint32_t sequence, Bytes payload) {
  const std::uint32_t end = sequence + static_cast<std::uint32_t>(payload.size());
  const auto ahead = static_cast<std::int32_t>(sequence - direction.watched_to.value_or(sequence));
  if (ahead <= 0) {
    direction.watched_to = end;
    direction.early.reset();
  } else if (ahead <= early_ahead_max && payload.size() <= early_bytes_max) {
    direction.early = std::make_unique<Early>(
        Early{.sequence = sequence, .bytes = ByteBuffer(payload.begin(), payload.end())});
  }
}

// The answer to a ClientHello behind a greeting begins where the client says that it has everything
// before.
void MetadataTracker::expect_answer(State& state, Side sender, const PacketView& view) {
  Direction& answer = state.directions[index(other(sender))];
  const bool undecided = answer.phase == Phase::fresh || answer.phase == Phase::watching ||
                         (answer.phase == Phase::reading && !answer.reading->reader);
  if (!undecided || (view.tcp.flags & tcp_flag::ack) == 0) return;
  answer.phase = Phase::reading;
  answer.tls_only = answer.midway = true;
  answer.reading = make_reading();
  answer.reading->stream.start(view.tcp.acknowledgement);
}

Bytes MetadataTracker::readable_part(const Direction& direction, const PacketView& view) {
  if (!direction.readable_to) return view.payload;
  const auto left = static_cast<std::int32_t>(*direction.readable_to - payload_sequence(view));
  return view.payload.first(
      std::min(view.payload.size(), static_cast<std::size_t>(std::max(left, 0))));
}

AnomalySet MetadataTracker::read(State& state, Side sender, const PacketView& view) {
  Direction& direction = state.directions[index(sender)];
  Reading& reading = *direction.reading;
  AnomalySet found = reading.stream.add(payload_sequence(view), readable_part(direction, view));
  if (const auto early = std::exchange(direction.early, nullptr))
    found |= reading.stream.add(early->sequence, early->bytes);
  if (reading.stream.gave_up()) {
    settle(state, direction, ReadState::failed);
    return found;
  }
  if (!reading.reader) {
    // One may follow another, in one segment as in several.
    Preamble before = preamble(reading.stream.readable());
    for (; !before.cut && before.bytes > 0; before = preamble(reading.stream.readable()))
      reading.stream.consume(before.bytes);
    if (before.cut) return found;
    const StreamStart start = detect(reading.stream.readable());
    if (start == StreamStart::perhaps) return found;
    reading.reader = make_reader(start, sender);
    if (!reading.reader) {
      direction.phase = Phase::watching;
      direction.watched_to = reading.stream.next_sequence();
      direction.reading.reset();
      return found;
    }
    if (start == StreamStart::tls_client && direction.midway) expect_answer(state, sender, view);
  }
  if (!state.metadata) state.metadata = std::make_unique<AppMetadata>();
  const ReadState outcome = reading.reader->read(reading.stream, *state.metadata, found);
  if (outcome != ReadState::more) settle(state, direction, outcome);
  return found;
}

void MetadataTracker::settle(State& state, Direction& direction, ReadState outcome) {
  if (outcome == ReadState::failed && direction.reading->reader)
    direction.reading->reader->conclude(*state.metadata);
  direction.watched_to = direction.reading->stream.next_sequence();
  direction.reading.reset();
  // Behind the head of a CONNECT the tunnelled protocol begins (RFC 9110 §9.3.6).
  const bool tunnel =
      outcome == ReadState::done && state.metadata && state.metadata->http_method == "CONNECT";
  const bool goes_on = outcome == ReadState::other || (tunnel && state.metadata->ja3.empty());
  direction.phase = goes_on ? Phase::watching : Phase::done;
  if (state.metadata && *state.metadata == AppMetadata{}) state.metadata.reset();
  if (tunnel) direction.tls_only = true;
}

AnomalySet MetadataTracker::observe_udp(State& state, Side sender, Bytes payload) {
  AnomalySet found;
  Direction& direction = state.directions[index(sender)];
  // STUN's checks come before DTLS (RFC 8445).
  if (++direction.watched >= limits_.packets_watched) direction.phase = Phase::done;
  if (!state.datagrams) {
    state.datagrams = make_datagram_reader(payload, memory_);
    if (!state.datagrams) return found;
    if (!state.metadata) state.metadata = std::make_unique<AppMetadata>();
  }
  const ReadState outcome = state.datagrams->read(sender, payload, *state.metadata, found);
  if (outcome != ReadState::more) {
    for (Direction& each : state.directions) each.phase = Phase::done;
  }
  if (state.directions[0].phase == Phase::done && state.directions[1].phase == Phase::done)
    state.datagrams.reset();
  return found;
}

}  // namespace dpi
