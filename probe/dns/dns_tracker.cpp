#include "probe/dns/dns_tracker.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "dissectors/dns/content.h"
#include "dissectors/padding.h"
#include "dissectors/proxy_header.h"
#include "probe/base/byte_cursor.h"

namespace dpi {
namespace {

using Phase = OpenDns::Phase;

// Taps of two ports may deliver a response before its query by this much.
constexpr std::chrono::milliseconds early_max{10};
constexpr std::size_t header_bytes = 12;
constexpr std::uint16_t type_null = 10, type_ixfr = 251, type_axfr = 252, type_any = 255;

std::optional<DnsService> service_of(std::uint16_t port) noexcept {
  switch (port) {
    case 53:
      return DnsService::dns;
    case 5353:
      return DnsService::mdns;
    case 5355:
      return DnsService::llmnr;
    case 137:
      return DnsService::nbns;
    default:
      return std::nullopt;
  }
}

// The server's port tells the service: a client may choose any.
std::optional<DnsService> service_of(std::uint16_t server, std::uint16_t client) noexcept {
  const auto service = service_of(server);
  return service ? service : service_of(client);
}

bool is_response(Bytes message) noexcept {
  ByteCursor in{message};
  in.skip(2);
  return (in.be16() & 0x8000U) != 0;
}

DnsDialect dialect_of(DnsService service) noexcept {
  if (service == DnsService::nbns) return DnsDialect::netbios;
  return service == DnsService::mdns ? DnsDialect::multicast : DnsDialect::dns;
}

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

void append_number(std::string& out, std::uint16_t number) {
  std::array<char, 8> text{' '};
  out.append(text.data(), std::to_chars(text.data() + 1, text.data() + text.size(), number).ptr);
}

// RFC 1035 §2.3.3: names compare without case. pct-text escapes are upper-case on both sides.
void write_question(std::string& out, std::string_view name, std::uint16_t type,
                    std::uint16_t klass) {
  out.resize(name.size());
  std::transform(name.begin(), name.end(), out.begin(), lower);
  append_number(out, type);
  append_number(out, klass);
}

// Empty: it has none, or none that can be read. Into `out`, whose memory is used again.
std::string_view question_of(std::string& out, const DnsMessage& message, DnsService service) {
  out.clear();
  if (!message.questions.empty()) {
    const DnsQuestion& q = message.questions[0];
    write_question(out, q.name, q.type, q.klass);
    // RFC 1002 §4.2.13: a NetBIOS response repeats what was asked as its first record; but what
    // does not exist has no type (§4.2.14).
  } else if (service == DnsService::nbns && message.is_response() && !message.records.empty() &&
             message.records[0].type != type_null) {
    const DnsRecord& r = message.records[0];
    write_question(out, r.name, r.type, r.klass);
  }
  return out;
}

template <class Route>
Route back_of(Route route) noexcept {
  std::swap(route.sender, route.receiver);
  return route;
}

// Asked of everyone on the link (for NetBIOS the B flag, RFC 1002 §4.2.1.1).
bool asked_of_many(DnsService service, const IpAddress& server, const DnsMessage& query) noexcept {
  return is_multicast(server) || (service == DnsService::nbns && query.flag(0x0010));
}

bool asks_for_zone(const DnsMessage& query) noexcept {
  return !query.questions.empty() &&
         (query.questions[0].type == type_axfr || query.questions[0].type == type_ixfr);
}

}  // namespace

DnsStats& DnsStats::operator+=(const DnsStats& other) noexcept {
  messages += other.messages;
  transactions += other.transactions;
  malformed += other.malformed;
  orphans += other.orphans;
  anomalies += other.anomalies;
  return *this;
}

DnsTracker::DnsTracker(DnsLimits limits, HashSeed seed, StreamMemory& memory, DnsObserver& observer)
    : limits_(limits),
      memory_(memory),
      observer_(observer),
      open_(limits.transactions_max, seed),
      holders_(seed, limits.streams_max / 64) {}

DnsTracker::~DnsTracker() = default;

AnomalySet DnsTracker::observe(const Flow& flow, Side sender, const PacketView& view,
                               Timestamp time, std::uint64_t packet_number) {
  const bool udp = view.protocol == ip_protocol::udp;
  if (!view.has_transport || view.fragment.present || (!udp && view.protocol != ip_protocol::tcp))
    return {};
  Route route;
  route.by_content = !service_of(view.dst_port, view.src_port);
  if (route.by_content && !watches_by_content(flow, sender, view)) return {};
  route.flow_number = flow.number;
  route.sender = {view.src, view.src_port};
  route.receiver = {view.dst, view.dst_port};
  route.transport = udp ? DnsTransport::udp : DnsTransport::tcp;
  route.stream = flow.slot;
  // A packet may hold many messages: their numbers follow each other.
  next_number_ = std::max(next_number_, packet_number << 16U);
  if (!udp) return observe_tcp(flow, sender, view, route, time);
  const std::size_t before = proxy_header(view.payload).bytes;
  const Bytes payload = view.payload.subspan(before);
  if (!payload.empty()) take(route, payload, view.payload_bytes - before, time);
  return {};
}

// A datagram by itself, a connection by its first bytes.
bool DnsTracker::watches_by_content(const Flow& flow, Side sender, const PacketView& view) const {
  if (view.protocol == ip_protocol::udp) {
    return view.payload.size() == view.payload_bytes && !is_multicast(view.dst) &&
           (proven_.contains(flow.number) || is_dns_content(view.payload));
  }
  if (!connections_.empty() && connections_.contains(flow.slot)) return true;
  const TcpSide& side = flow.tcp.side(sender);
  if (!side.start_known || view.tcp.sequence != side.start_sequence) return false;
  // The length may come alone, and a header says enough (RFC 7766 §8).
  constexpr std::size_t length_bytes = 2;
  const std::size_t size = view.payload.size();
  const DnsContent content = dns_content_over_tcp(view.payload);
  return content == DnsContent::message ||
         (content == DnsContent::incomplete &&
          (size == length_bytes || size >= length_bytes + header_bytes));
}

AnomalySet DnsTracker::observe_tcp(const Flow& flow, Side sender, const PacketView& view,
                                   Route route, Timestamp time) {
  const bool data = !view.payload.empty() && !is_counted_padding(view);
  const auto known = connections_.find(flow.slot);
  if (known == connections_.end() && !data) return {};  // nothing is kept for a SYN
  Connection& connection =
      known != connections_.end()
          ? known->second
          : connection_of(
                flow, service_of(view.src_port) ? route.receiver.address : route.sender.address);
  const Side receiver = other(sender);
  connection.route = route;
  connection.sender = sender;
  connection.last_at = time;
  if ((view.tcp.flags & tcp_flag::ack) != 0) {
    MessageStream& acknowledged = connection.sides[index(receiver)];
    // Who goes on to speak or ends has nothing more to wait for.
    const bool at_once = data || (view.tcp.flags & (tcp_flag::fin | tcp_flag::rst)) != 0;
    read_acknowledged(acknowledged, back_of(route), view.tcp.acknowledgement, time, at_once);
  }
  if (!data) return {};
  MessageStream& stream = connection.sides[index(sender)];
  const TcpSide& side = flow.tcp.side(sender);
  if (side.start_known && view.tcp.sequence - side.start_sequence < MessageStream::bytes_max)
    stream.start(side.start_sequence);
  const bool syn = (view.tcp.flags & tcp_flag::syn) != 0;
  const std::size_t captured = std::min<std::size_t>(view.payload.size(), view.payload_bytes);
  const AnomalySet found = stream.add(view.tcp.sequence + (syn ? 1U : 0U), view.payload,
                                      view.payload_bytes - captured, time);
  if (side.has_acknowledged) {
    read_acknowledged(stream, route, side.acknowledged, time, true);
  } else {
    read(stream, route, time);
  }
  return found;
}

void DnsTracker::read_acknowledged(MessageStream& stream, const Route& route,
                                   std::uint32_t sequence, Timestamp time, bool at_once) {
  do {
    read(stream, route, time);
  } while (stream.acknowledged(sequence, time, at_once));
}

void DnsTracker::read_rest(Connection& connection) {
  const Route route = connection.route;
  const Timestamp time = connection.last_at;
  MessageStream& stream = connection.sides[index(connection.sender)];
  MessageStream& other_stream = connection.sides[index(other(connection.sender))];
  while (stream.ended()) read(stream, route, time);
  while (other_stream.ended()) read(other_stream, back_of(route), time);
}

void DnsTracker::read(MessageStream& stream, const Route& route, Timestamp time) {
  while (const auto message = stream.next()) {
    // By its content a whole one only: what is cut proves nothing.
    if (route.by_content && message->bytes.size() < message->wire_bytes) continue;
    take(route, message->bytes, message->wire_bytes, message->came_at.value_or(time));
  }
}

DnsTracker::Connection& DnsTracker::connection_of(const Flow& flow, const IpAddress& client) {
  if (connections_.size() >= limits_.streams_max)
    drop_connection(holders_.oldest_of_largest()->slot);
  Connection& connection = connections_
                               .emplace(std::piecewise_construct, std::forward_as_tuple(flow.slot),
                                        std::forward_as_tuple(memory_, flow))
                               .first->second;
  holders_.add(client, connection, 1);
  return connection;
}

void DnsTracker::drop_connection(std::uint32_t slot) {
  const auto found = connections_.find(slot);
  if (found == connections_.end()) return;
  const bool transfers = found->second.transfers > 0;
  holders_.remove(found->second);
  connections_.erase(found);
  if (!transfers) return;
  for (OpenDns* each = open_.list(Phase::transfer).first(); each != nullptr;) {
    OpenDns& open = *std::exchange(each, OpenDnsTable::List::next(*each));
    if (open.stream != slot) continue;
    open_.touch(open, open.transaction.responses > 0 ? Phase::answered : Phase::waiting);
  }
}

void DnsTracker::flow_ended(const Flow& flow) {
  if (const auto found = connections_.find(flow.slot); found != connections_.end())
    read_rest(found->second);
  if (!proven_.empty()) proven_.erase(flow.number);
  drop_connection(flow.slot);
}

void DnsTracker::take_by_content(const Route& route, Bytes bytes, Timestamp time) {
  const bool proven = proven_.contains(route.flow_number);
  const bool strict = is_dns_content(bytes);
  // Once the flow is DNS, what answers one of its queries need not be beyond doubt itself.
  if (!strict && (!proven || bytes.size() < header_bytes || !is_response(bytes))) return;
  DnsMessage message = parse_dns(bytes);
  if (!message.is_response()) {
    take_query(route, std::move(message), time);
    return;
  }
  if (OpenDns* const found = find_query(route, message)) {
    prove(route, *found);
  } else if (!strict) {
    return;
  } else if (!proven) {
    const DnsKey key = key_of_response(route, message);
    const std::string_view question = question_of(question_, message, route.service);
    hold_early(route, key, question, single(route, std::move(message), time, DnsOutcome::orphan));
    return;
  }
  if (message.malformed) ++stats_.malformed;
  take_response(route, std::move(message), time);
}

// The flow is DNS: so was what nobody answered in it.
void DnsTracker::prove(const Route& route, OpenDns& open) {
  if (!proven_.insert(route.flow_number).second) return;
  for (OpenDns* each = open_.list(Phase::waiting).first(); each != nullptr;
       each = OpenDnsTable::List::next(*each)) {
    OpenDns& other = *each;
    if (other.key.client == open.key.client && other.key.server == open.key.server &&
        other.key.server_port == open.key.server_port)
      other.uncertain = false;
  }
  open.uncertain = false;
}

void DnsTracker::take(Route route, Bytes bytes, std::size_t wire_bytes, Timestamp time) {
  if (route.by_content) {
    take_by_content(route, bytes, time);
    return;
  }
  const bool response = is_response(bytes);
  const Endpoint& server = response ? route.sender : route.receiver;
  const Endpoint& client = response ? route.receiver : route.sender;
  route.service = service_of(server.port, client.port).value_or(DnsService::dns);
  DnsMessage message = parse_dns(bytes, dialect_of(route.service), wire_bytes);
  if (wire_bytes > bytes.size()) add(message.anomalies, Anomaly::frame_cut);
  if (message.malformed) ++stats_.malformed;
  if (message.malformed && message.malformed_reason == Anomaly::dns_header_cut) {
    tell(single(route, std::move(message), time, DnsOutcome::malformed));
  } else if (response) {
    take_response(route, std::move(message), time);
  } else {
    take_query(route, std::move(message), time);
  }
}

OpenDns* DnsTracker::find_query(const DnsKey& key, const DnsMessage& response, DnsService service) {
  const std::string_view question = question_of(question_, response, service);
  if (OpenDns* const found = open_.find(key, question, false)) return found;
  OpenDns* const open = open_.find(key);
  if (open == nullptr) return nullptr;
  const DnsMessage& query = *open->transaction.query;
  if (!question.empty()) return query.question_known ? nullptr : open;
  // RFC 6762 §6: a response has no question, and its ID is 0: its records tell what it answers.
  if (service == DnsService::mdns) {
    for (std::size_t i = 0; i < std::min(response.records.size(), dns_questions_max); ++i) {
      const DnsRecord& r = response.records[i];
      for (const std::uint16_t type : {r.type, type_any}) {
        write_question(question_, r.name, type, r.klass);
        if (OpenDns* const found = open_.find(key, question_, false)) return found;
      }
    }
  }
  return query.opcode() == response.opcode() ? open : nullptr;
}

DnsKey DnsTracker::key_of_response(const Route& route, const DnsMessage& response) noexcept {
  return {route.receiver, route.sender.address, route.sender.port, response.id, route.transport};
}

OpenDns* DnsTracker::find_query(const Route& route, const DnsMessage& response) {
  DnsKey key = key_of_response(route, response);
  if (OpenDns* const found = find_query(key, response, route.service)) return found;
  key.server = IpAddress{};
  return find_query(key, response, route.service);
}

void DnsTracker::close(OpenDns& open) {
  if (!open.uncertain) tell(open.transaction);
  open_.remove(open);
}

void DnsTracker::take_query(const Route& route, DnsMessage message, Timestamp time) {
  const bool many = asked_of_many(route.service, route.receiver.address, message);
  const DnsKey key{route.sender, many ? IpAddress{} : route.receiver.address, route.receiver.port,
                   message.id, route.transport};
  const std::string_view question = question_of(question_, message, route.service);
  if (OpenDns* const found = open_.find(key, question, false)) {
    DnsTransaction& asked = found->transaction;
    if (asked.responses == 0) {  // asked again
      ++asked.queries;
      asked.last_at = time;
      open_.touch(*found, found->phase);
      return;
    }
    close(*found);
  }
  if (join_early(route, key, question, message, time)) return;
  open(route, std::move(message), time, key, question);
}

void DnsTracker::open(const Route& route, DnsMessage message, Timestamp time, const DnsKey& key,
                      std::string_view question) {
  OpenDns& open = open_.make();
  open.key = key;
  open.question = question;
  open.uncertain = route.by_content && !proven_.contains(route.flow_number);
  DnsTransaction& t = open.transaction;
  t.number = next_number_++;
  t.client = route.sender;
  t.server = route.receiver;
  t.transport = route.transport;
  t.service = route.service;
  t.outcome = message.malformed ? DnsOutcome::malformed : DnsOutcome::unanswered;
  t.queries = 1;
  t.query_at = t.last_at = time;
  t.anomalies = message.anomalies;
  if (route.transport == DnsTransport::tcp && asks_for_zone(message)) {
    const auto connection = connections_.find(route.stream);
    if (connection != connections_.end()) {
      ++connection->second.transfers;
      open.phase = Phase::transfer;
      open.stream = route.stream;
    }
  }
  t.query = std::move(message);
  add_open(open);
}

void DnsTracker::take_response(const Route& route, DnsMessage message, Timestamp time) {
  if (OpenDns* const found = find_query(route, message)) {
    answer(route, *found, std::move(message), time);
    return;
  }
  if (message.malformed) {
    tell(single(route, std::move(message), time, DnsOutcome::malformed));
    return;
  }
  if (is_multicast(route.receiver.address)) {
    tell(single(route, std::move(message), time, DnsOutcome::multicast));
    return;
  }
  const DnsKey key = key_of_response(route, message);
  const std::string_view question = question_of(question_, message, route.service);
  DnsKey many = key;
  many.server = IpAddress{};
  if (open_.find(key) != nullptr || open_.find(many) != nullptr) {
    add(message.anomalies, Anomaly::dns_question_mismatch);
    tell(single(route, std::move(message), time, DnsOutcome::orphan));
  } else if (open_.find(key, question, true) != nullptr) {
    tell(single(route, std::move(message), time, DnsOutcome::orphan));
  } else {
    hold_early(route, key, question, single(route, std::move(message), time, DnsOutcome::orphan));
  }
}

void DnsTracker::answer(const Route& route, OpenDns& open, DnsMessage message, Timestamp time) {
  DnsTransaction& t = open.transaction;
  ++t.responses;
  t.last_at = time;
  t.anomalies |= message.anomalies;
  if (t.responses == 1) {
    // The response decides: a query that cannot be read to its end may have been answered well.
    if (t.outcome == DnsOutcome::unanswered || t.outcome == DnsOutcome::malformed)
      t.outcome = message.malformed ? DnsOutcome::malformed : DnsOutcome::answered;
    t.response_at = time;
    if (open.key.server == IpAddress{}) t.server = route.sender;
    t.response = std::move(message);
  }
  open_.touch(open, open.phase == Phase::transfer ? Phase::transfer : Phase::answered);
  make_room(0);
}

DnsTransaction DnsTracker::single(const Route& route, DnsMessage message, Timestamp time,
                                  DnsOutcome outcome) {
  DnsTransaction t;
  t.number = next_number_++;
  const bool response = message.is_response();
  // An announcement answers nobody: its sender stands first.
  const bool sender_first = !response || outcome == DnsOutcome::multicast;
  t.client = sender_first ? route.sender : route.receiver;
  t.server = sender_first ? route.receiver : route.sender;
  t.transport = route.transport;
  t.service = route.service;
  t.outcome = outcome;
  t.anomalies = message.anomalies;
  t.last_at = time;
  (response ? t.responses : t.queries) = 1;
  (response ? t.response_at : t.query_at) = time;
  (response ? t.response : t.query) = std::move(message);
  return t;
}

void DnsTracker::hold_early(const Route& route, const DnsKey& key, std::string_view question,
                            DnsTransaction response) {
  OpenDns& open = open_.make();
  open.key = key;
  open.question = question;
  open.phase = Phase::early;
  open.uncertain = route.by_content && !proven_.contains(route.flow_number);
  open.transaction = std::move(response);
  add_open(open);
}

bool DnsTracker::join_early(const Route& route, const DnsKey& key, std::string_view question,
                            DnsMessage& query, Timestamp time) {
  OpenDns* found = open_.find(key, question, true);
  if (found == nullptr) found = open_.find(key, {}, true);
  if (found == nullptr || time - found->transaction.last_at > early_max) return false;
  DnsTransaction& t = found->transaction;
  ++t.queries;
  t.query_at = t.last_at = time;
  t.anomalies |= query.anomalies;
  t.outcome = t.response && t.response->malformed ? DnsOutcome::malformed : DnsOutcome::answered;
  t.query = std::move(query);
  if (found->uncertain) prove(route, *found);
  found->uncertain = false;
  open_.touch(*found, Phase::answered);
  make_room(0);
  return true;
}

void DnsTracker::add_open(OpenDns& open) {
  make_room(OpenDnsTable::bytes_of(open));
  open_.add(open);
}

void DnsTracker::tell(const DnsTransaction& transaction) {
  ++stats_.transactions;
  stats_.messages += transaction.queries + transaction.responses;
  if (transaction.outcome == DnsOutcome::orphan) ++stats_.orphans;
  AnomalySet of_messages = transaction.anomalies;
  of_messages.reset(static_cast<std::size_t>(Anomaly::frame_cut));  // the packet's, counted there
  stats_.anomalies.add(of_messages);
  observer_.transaction_ended(transaction);
}

void DnsTracker::make_room(std::size_t bytes) {
  while (OpenDns* const oldest = open_.over_limit(bytes)) {
    add(oldest->transaction.anomalies, Anomaly::dns_table_full);
    close(*oldest);
  }
}

void DnsTracker::collect(Phase phase, Timestamp last_at_max, std::vector<Due>& out) {
  for (OpenDns* open = open_.list(phase).first();
       open != nullptr && open->transaction.last_at <= last_at_max;
       open = OpenDnsTable::List::next(*open)) {
    out.push_back({open->transaction.number, open});
  }
}

void DnsTracker::collect_due(Timestamp now, std::vector<Due>& out) {
  const std::int64_t tick = nanoseconds(now) / 1'000'000'000;
  if (tick <= last_tick_) return;
  last_tick_ = tick;
  const Timestamp at = timestamp(tick * 1'000'000'000);
  collect(Phase::waiting, at - limits_.query_timeout, out);
  collect(Phase::answered, at - limits_.linger, out);
  collect(Phase::early, at - early_max, out);
}

void DnsTracker::collect_all(std::vector<Due>& out) {
  std::vector<std::uint32_t> slots;  // of a table that is in no order
  for (const auto& [slot, connection] : connections_) slots.push_back(slot);
  std::sort(slots.begin(), slots.end());
  for (const std::uint32_t slot : slots) read_rest(connections_.at(slot));
  for (const Phase phase : {Phase::waiting, Phase::answered, Phase::transfer, Phase::early})
    collect(phase, Timestamp::max(), out);
  while (!connections_.empty()) drop_connection(connections_.begin()->first);
  last_tick_ = 0;
}

void DnsTracker::shift(Nanoseconds delta) {
  for (const Phase phase : {Phase::waiting, Phase::answered, Phase::transfer, Phase::early}) {
    for (OpenDns* open = open_.list(phase).first(); open != nullptr;
         open = OpenDnsTable::List::next(*open)) {
      DnsTransaction& t = open->transaction;
      t.query_at += delta;
      if (t.responses > 0) t.response_at += delta;
      t.last_at += delta;
    }
  }
  last_tick_ = 0;
}

}  // namespace dpi
