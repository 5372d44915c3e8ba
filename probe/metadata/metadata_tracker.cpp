#include "probe/metadata/metadata_tracker.h"

namespace dpi {
namespace {

bool is_tls(StreamStart start) noexcept {
  return start == StreamStart::tls_client || start == StreamStart::tls_server;
}

// A SYN takes a number of its own (RFC 9293 §3.4); with TCP Fast Open data comes with it.
std::uint32_t payload_sequence(const PacketView& view) noexcept {
  return view.tcp.sequence + ((view.tcp.flags & tcp_flag::syn) != 0 ? 1U : 0U);
}

}  // namespace

MetadataTracker::State& MetadataTracker::state_of(const Flow& flow) {
  if (flow.index >= states_.size()) states_.resize(flow.index + std::size_t{1024});
  return states_[flow.index];
}

const AppMetadata* MetadataTracker::find(const Flow& flow) const noexcept {
  return flow.index < states_.size() ? states_[flow.index].metadata.get() : nullptr;
}

void MetadataTracker::flow_ended(const Flow& flow) {
  if (flow.index < states_.size()) states_[flow.index] = State{};
}

AnomalySet MetadataTracker::observe(const Flow& flow, Side sender, const PacketView& view) {
  if (view.payload.empty() || !view.has_transport || view.fragment.present) return {};
  const bool tcp = view.protocol == ip_protocol::tcp;
  if ((!tcp && view.protocol != ip_protocol::udp) || view.protocol != flow.key.protocol) return {};
  State& state = state_of(flow);
  if (state.directions[index(sender)].phase == Phase::done) return {};
  return tcp ? observe_tcp(flow, state, sender, view) : observe_udp(state, sender, view.payload);
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
  if (direction.phase == Phase::fresh) begin(direction, flow.tcp.side(sender), view);
  if (direction.phase == Phase::watching && !watch(state, sender, view)) return {};
  return read(state, sender, payload_sequence(view), view.payload);
}

// The first payload of a direction. What cannot become a protocol of ours is not kept.
void MetadataTracker::begin(Direction& direction, const TcpSide& side, const PacketView& view) {
  const bool known = side.start_known;
  const bool at_start = !known || side.start_sequence == payload_sequence(view);
  if (at_start && detect(view.payload) == StreamStart::none) {
    direction.phase = Phase::watching;
    direction.tls_only = known;
    return;
  }
  direction.phase = Phase::reading;
  direction.reading = make_reading();
  if (known) direction.reading->stream.start(side.start_sequence);
  direction.tls_only = known;
}

// True when something begins with this packet; its stream is then ready for it.
bool MetadataTracker::watch(State& state, Side sender, const PacketView& view) {
  Direction& direction = state.directions[index(sender)];
  if (++direction.watched > limits_.packets_watched) {
    direction.phase = Phase::done;
    return false;
  }
  const StreamStart start = detect(view.payload);
  if (start == StreamStart::none || start == StreamStart::perhaps) return false;
  if (direction.tls_only && !is_tls(start)) return false;
  direction.phase = Phase::reading;
  direction.reading = make_reading();
  direction.reading->stream.start(payload_sequence(view));
  // The answer to a ClientHello begins where the client says that it has everything before.
  Direction& answer = state.directions[index(other(sender))];
  if (start == StreamStart::tls_client && (view.tcp.flags & tcp_flag::ack) != 0 &&
      (answer.phase == Phase::fresh || answer.phase == Phase::watching)) {
    answer.phase = Phase::reading;
    answer.tls_only = true;
    answer.reading = make_reading();
    answer.reading->stream.start(view.tcp.acknowledgement);
  }
  return true;
}

AnomalySet MetadataTracker::read(State& state, Side sender, std::uint32_t sequence, Bytes payload) {
  Direction& direction = state.directions[index(sender)];
  Reading& reading = *direction.reading;
  AnomalySet found = reading.stream.add(sequence, payload);
  if (reading.stream.gave_up()) {
    settle(state, direction, ReadState::failed);
    return found;
  }
  if (!reading.reader) {
    const StreamStart start = detect(reading.stream.readable());
    if (start == StreamStart::perhaps) return found;
    reading.reader = make_reader(start, sender);
    if (!reading.reader) {
      direction.phase = Phase::watching;
      direction.reading.reset();
      return found;
    }
    if (!state.metadata) state.metadata = std::make_unique<AppMetadata>();
  }
  const ReadState outcome = reading.reader->read(reading.stream, *state.metadata, found);
  if (outcome != ReadState::more) settle(state, direction, outcome);
  return found;
}

void MetadataTracker::settle(State& state, Direction& direction, ReadState outcome) {
  direction.reading.reset();
  // Behind the head of a CONNECT the tunnelled protocol begins (RFC 9110 §9.3.6).
  const bool tunnel =
      outcome == ReadState::done && state.metadata && state.metadata->http_method == "CONNECT";
  direction.phase = tunnel && state.metadata->ja3.empty() ? Phase::watching : Phase::done;
  direction.tls_only = true;
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
