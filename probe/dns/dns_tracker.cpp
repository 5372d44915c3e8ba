#include "probe/dns/dns_tracker.h"

#include <algorithm>

namespace dpi {
namespace {

std::optional<DnsService> service_of(std::uint16_t src, std::uint16_t dst) noexcept {
  for (const std::uint16_t port : {dst, src}) {
    if (port == 53) return DnsService::dns;
    if (port == 5353) return DnsService::mdns;
    if (port == 5355) return DnsService::llmnr;
  }
  return std::nullopt;
}

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// RFC 1035 §2.3.3: names compare without case. pct-text escapes are upper-case on both sides.
bool same_question(const DnsMessage& a, const DnsMessage& b) noexcept {
  if (a.questions.empty() || b.questions.empty()) return a.questions.empty() == b.questions.empty();
  const DnsQuestion& x = a.questions[0];
  const DnsQuestion& y = b.questions[0];
  return x.type == y.type && x.klass == y.klass &&
         std::equal(x.name.begin(), x.name.end(), y.name.begin(), y.name.end(),
                    [](char p, char q) { return lower(p) == lower(q); });
}

}  // namespace

std::string_view name(DnsService service) noexcept {
  switch (service) {
    case DnsService::dns:
      return "dns";
    case DnsService::mdns:
      return "mdns";
    default:
      return "llmnr";
  }
}

std::string_view name(DnsTransport transport) noexcept {
  return transport == DnsTransport::udp ? "udp" : "tcp";
}

std::string_view name(DnsOutcome outcome) noexcept {
  switch (outcome) {
    case DnsOutcome::answered:
      return "answered";
    case DnsOutcome::unanswered:
      return "unanswered";
    case DnsOutcome::orphan:
      return "orphan";
    case DnsOutcome::multicast:
      return "multicast";
    default:
      return "malformed";
  }
}

void DnsTracker::observe(const Flow& flow, Side sender, const PacketView& view, Timestamp time) {
  const bool udp = view.protocol == ip_protocol::udp;
  if (!view.has_transport || view.fragment.present || (!udp && view.protocol != ip_protocol::tcp))
    return;
  const auto service = service_of(view.src_port, view.dst_port);
  if (!service) return;
  const Route route{{view.src, view.src_port},
                    {view.dst, view.dst_port},
                    udp ? DnsTransport::udp : DnsTransport::tcp,
                    *service};
  if (!udp) {
    observe_tcp(flow, sender, view, route, time);
  } else if (!view.payload.empty()) {
    take(route, view.payload, view.payload.size() < view.payload_bytes, time);
  }
}

void DnsTracker::observe_tcp(const Flow& flow, Side sender, const PacketView& view,
                             const Route& route, Timestamp time) {
  auto found = streams_.find(flow.slot);
  if (found == streams_.end()) {
    if (streams_.size() >= limits_.streams_max) return;
    found = streams_.emplace(flow.slot, std::array<MessageStream, 2>{}).first;
  }
  MessageStream& stream = found->second[index(sender)];
  if ((view.tcp.flags & tcp_flag::syn) != 0) {
    stream.start(view.tcp.sequence + 1);
    return;
  }
  stream.add(view.tcp.sequence, view.payload);
  while (const auto message = stream.next()) take(route, *message, false, time);
}

void DnsTracker::flow_ended(const Flow& flow) {
  streams_.erase(flow.slot);
}

void DnsTracker::take(const Route& route, Bytes bytes, bool cut, Timestamp time) {
  DnsMessage message = parse_dns(bytes);
  ++stats_.messages;
  if (cut) add(message.anomalies, Anomaly::frame_cut);
  if (message.malformed) {
    ++stats_.malformed;
    tell_single(route, std::move(message), time, DnsOutcome::malformed);
  } else if (message.is_response()) {
    take_response(route, std::move(message), time);
  } else {
    take_query(route, std::move(message), time);
  }
}

DnsTracker::Table::iterator DnsTracker::find(const Key& key, const Route& route,
                                             const DnsMessage& message, bool response) {
  const IpAddress& server = response ? route.sender.address : route.receiver.address;
  const auto [begin, end] = open_.equal_range(key);
  for (auto it = begin; it != end; ++it) {
    const DnsTransaction& t = it->second;
    // A multicast question is answered from an address of its own.
    const bool same_server =
        t.server.address == server || (response && is_multicast(t.server.address));
    if (same_server && t.query && same_question(*t.query, message)) return it;
  }
  return open_.end();
}

void DnsTracker::take_query(const Route& route, DnsMessage message, Timestamp time) {
  const Key key{route.sender, route.receiver.port, route.transport, message.id};
  const auto found = find(key, route, message, false);
  if (found != open_.end()) {
    if (found->second.responses == 0) {  // asked again
      ++found->second.queries;
      found->second.last_at = time;
      return;
    }
    end(found->second);
    open_.erase(found);
  }
  make_room();
  DnsTransaction t;
  t.number = next_number_++;
  t.client = route.sender;
  t.server = route.receiver;
  t.transport = route.transport;
  t.service = route.service;
  t.queries = 1;
  t.query_at = t.last_at = time;
  t.anomalies = message.anomalies;
  t.query = std::move(message);
  open_.emplace(key, std::move(t));
}

void DnsTracker::take_response(const Route& route, DnsMessage message, Timestamp time) {
  const Key key{route.receiver, route.sender.port, route.transport, message.id};
  const auto found = find(key, route, message, true);
  if (found == open_.end()) {
    if (open_.count(key) != 0) add(message.anomalies, Anomaly::dns_question_mismatch);
    const bool announcement =
        route.service == DnsService::mdns && is_multicast(route.receiver.address);
    tell_single(route, std::move(message), time,
                announcement ? DnsOutcome::multicast : DnsOutcome::orphan);
    return;
  }
  DnsTransaction& t = found->second;
  ++t.responses;
  t.last_at = time;
  t.anomalies |= message.anomalies;
  if (t.responses > 1) return;
  t.outcome = DnsOutcome::answered;
  t.response_at = time;
  if (is_multicast(t.server.address)) t.server = route.sender;
  t.response = std::move(message);
}

void DnsTracker::tell_single(const Route& route, DnsMessage message, Timestamp time,
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
  end(t);
}

void DnsTracker::end(const DnsTransaction& transaction) {
  ++stats_.transactions;
  observer_.transaction_ended(transaction);
}

void DnsTracker::make_room() {
  if (open_.size() < limits_.transactions_max) return;
  const auto oldest = std::min_element(
      open_.begin(), open_.end(),
      [](const auto& a, const auto& b) { return a.second.number < b.second.number; });
  add(oldest->second.anomalies, Anomaly::dns_table_full);
  end(oldest->second);
  open_.erase(oldest);
}

void DnsTracker::advance(Timestamp now) {
  const std::int64_t tick = nanoseconds(now) / 1'000'000'000;
  if (tick <= last_tick_) return;
  last_tick_ = tick;
  const Timestamp at = timestamp(tick * 1'000'000'000);
  std::vector<Table::iterator> due;
  for (auto it = open_.begin(); it != open_.end(); ++it) {
    const DnsTransaction& t = it->second;
    if (t.last_at + (t.responses > 0 ? limits_.linger : limits_.query_timeout) <= at)
      due.push_back(it);
  }
  std::sort(due.begin(), due.end(),
            [](auto a, auto b) { return a->second.number < b->second.number; });
  for (const auto it : due) {
    end(it->second);
    open_.erase(it);
  }
}

void DnsTracker::finish() {
  advance(Timestamp::max() - limits_.query_timeout);
  streams_.clear();
  last_tick_ = 0;
}

}  // namespace dpi
