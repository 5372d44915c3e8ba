#include "probe/dns/dns_tracker.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace dpi {
namespace {

std::optional<DnsService> service_of(std::uint16_t src, std::uint16_t dst) noexcept {
  for (const std::uint16_t port : {dst, src}) {
    if (port == 53) return DnsService::dns;
    if (port == 5353) return DnsService::mdns;
    if (port == 5355) return DnsService::llmnr;
    if (port == 137) return DnsService::nbns;
  }
  return std::nullopt;
}

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// RFC 1035 §2.3.3: names compare without case. pct-text escapes are upper-case on both sides.
std::string question_text(std::string_view name, std::uint16_t type, std::uint16_t klass) {
  std::string out{name};
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out + " " + std::to_string(type) + " " + std::to_string(klass);
}

std::string question_of(const DnsMessage& message, DnsService service) {
  if (!message.questions.empty()) {
    const DnsQuestion& q = message.questions[0];
    return question_text(q.name, q.type, q.klass);
  }
  // RFC 1002 §4.2.13: a NetBIOS response repeats what was asked as its first record.
  if (service == DnsService::nbns && message.is_response() && !message.records.empty()) {
    const DnsRecord& r = message.records[0];
    return question_text(r.name, r.type, r.klass);
  }
  return {};
}

// Asked of everyone on the link (for NetBIOS the B flag, RFC 1002 §4.2.1.1).
bool asked_of_many(DnsService service, const IpAddress& server, const DnsMessage& query) noexcept {
  return is_multicast(server) || (service == DnsService::nbns && query.flag(0x0010));
}

}  // namespace

std::string_view name(DnsService service) noexcept {
  switch (service) {
    case DnsService::dns:
      return "dns";
    case DnsService::mdns:
      return "mdns";
    case DnsService::nbns:
      return "nbns";
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

DnsStats& DnsStats::operator+=(const DnsStats& other) noexcept {
  messages += other.messages;
  transactions += other.transactions;
  malformed += other.malformed;
  orphans += other.orphans;
  anomalies += other.anomalies;
  return *this;
}

struct DnsTracker::Open {
  DnsTransaction transaction;
  Key key;
  std::string question;  // name in lower case, type, class; empty: none
  List::iterator place;
};

std::size_t DnsTracker::KeyHash::operator()(const Key& key) const noexcept {
  std::array<std::uint8_t, 48> bytes{};
  auto out =
      std::copy(key.client.address.bytes.begin(), key.client.address.bytes.end(), bytes.begin());
  out = std::copy(key.server.bytes.begin(), key.server.bytes.end(), out);
  for (const std::uint16_t part :
       {key.client.port, key.server_port, key.id, static_cast<std::uint16_t>(key.transport)}) {
    *out++ = static_cast<std::uint8_t>(part >> 8U);
    *out++ = static_cast<std::uint8_t>(part & 0xffU);
  }
  for (unsigned shift = 0; shift < 64; shift += 8)
    *out++ = static_cast<std::uint8_t>(key.question >> shift & 0xffU);
  return siphash(seed, bytes);
}

DnsTracker::Key DnsTracker::with_question(Key key, const std::string& question) const noexcept {
  key.question = siphash(seed_, as_bytes(std::string_view{question})) | 1U;
  return key;
}

DnsTracker::DnsTracker(DnsLimits limits, HashSeed seed, StreamMemory& memory, DnsObserver& observer)
    : limits_(limits),
      memory_(memory),
      observer_(observer),
      seed_(seed),
      index_(16, KeyHash{seed}),
      asked_(16, KeyHash{seed}) {}

DnsTracker::~DnsTracker() = default;

AnomalySet DnsTracker::observe(const Flow& flow, Side sender, const PacketView& view,
                               Timestamp time, std::uint64_t packet_number) {
  const bool udp = view.protocol == ip_protocol::udp;
  if (!view.has_transport || view.fragment.present || (!udp && view.protocol != ip_protocol::tcp))
    return {};
  const auto service = service_of(view.src_port, view.dst_port);
  if (!service) return {};
  const Route route{{view.src, view.src_port},
                    {view.dst, view.dst_port},
                    udp ? DnsTransport::udp : DnsTransport::tcp,
                    *service};
  // A packet may hold many messages: their numbers follow each other.
  next_number_ = std::max(next_number_, packet_number << 16U);
  if (!udp) return observe_tcp(flow, sender, view, route, time);
  if (!view.payload.empty())
    take(route, view.payload, view.payload.size() < view.payload_bytes, time);
  return {};
}

AnomalySet DnsTracker::observe_tcp(const Flow& flow, Side sender, const PacketView& view,
                                   const Route& route, Timestamp time) {
  AnomalySet found;
  auto place = streams_.find(flow.slot);
  if (place == streams_.end()) {
    if (streams_.size() >= limits_.streams_max) {
      if (!view.payload.empty()) add(found, Anomaly::stream_memory_full);
      return found;
    }
    place = streams_.emplace(flow.slot, memory_).first;
  }
  MessageStream& stream = place->second.sides[index(sender)];
  std::uint32_t sequence = view.tcp.sequence;
  if ((view.tcp.flags & tcp_flag::syn) != 0) stream.start(++sequence);
  found = stream.add(sequence, view.payload);
  while (const auto message = stream.next()) take(route, *message, false, time);
  return found;
}

void DnsTracker::flow_ended(const Flow& flow) {
  streams_.erase(flow.slot);
}

void DnsTracker::take(const Route& route, Bytes bytes, bool cut, Timestamp time) {
  DnsMessage message =
      parse_dns(bytes, route.service == DnsService::nbns ? DnsDialect::netbios : DnsDialect::dns);
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

DnsTracker::Open* DnsTracker::find(const Key& key, const std::string& question) {
  const auto [first, last] = index_.equal_range(with_question(key, question));
  for (auto it = first; it != last; ++it) {
    if (it->second->question == question) return it->second;
  }
  return nullptr;
}

DnsTracker::Open* DnsTracker::find_query(const Route& route, const DnsMessage& response,
                                         const std::string& question) {
  Key key{route.receiver, route.sender.address, route.sender.port, response.id, route.transport};
  if (Open* const found = find(key, question)) return found;
  key.server = IpAddress{};
  return find(key, question);
}

bool DnsTracker::other_question_open(const Route& route, const DnsMessage& response) const {
  Key key{route.receiver, route.sender.address, route.sender.port, response.id, route.transport};
  if (asked_.contains(key)) return true;
  key.server = IpAddress{};
  return asked_.contains(key);
}

// It has a newer message: to the end of its list.
void DnsTracker::touch(Open& open, List& list) {
  List& from = open.transaction.responses > 1 || &list == &waiting_ ? list : waiting_;
  list.splice(list.end(), from, open.place);
}

void DnsTracker::close(Open& open) {
  tell(open.transaction);
  if (const auto asked = asked_.find(open.key); --asked->second == 0) asked_.erase(asked);
  const auto [first, last] = index_.equal_range(with_question(open.key, open.question));
  for (auto it = first; it != last; ++it) {
    if (it->second != &open) continue;
    index_.erase(it);
    break;
  }
  List& list = open.transaction.responses > 0 ? answered_ : waiting_;
  list.erase(open.place);
}

void DnsTracker::take_query(const Route& route, DnsMessage message, Timestamp time) {
  const bool many = asked_of_many(route.service, route.receiver.address, message);
  const Key key{route.sender, many ? IpAddress{} : route.receiver.address, route.receiver.port,
                message.id, route.transport};
  std::string question = question_of(message, route.service);
  if (Open* const found = find(key, question)) {
    DnsTransaction& asked = found->transaction;
    if (asked.responses == 0) {  // asked again
      ++asked.queries;
      asked.last_at = time;
      touch(*found, waiting_);
      return;
    }
    close(*found);
  }
  make_room();
  open(route, std::move(message), time, key, std::move(question));
}

void DnsTracker::open(const Route& route, DnsMessage message, Timestamp time, const Key& key,
                      std::string question) {
  Open& open = waiting_.emplace_back();
  open.place = std::prev(waiting_.end());
  open.key = key;
  open.question = std::move(question);
  DnsTransaction& t = open.transaction;
  t.number = next_number_++;
  t.client = route.sender;
  t.server = route.receiver;
  t.transport = route.transport;
  t.service = route.service;
  t.queries = 1;
  t.query_at = t.last_at = time;
  t.anomalies = message.anomalies;
  t.query = std::move(message);
  index_.emplace(with_question(key, open.question), &open);
  ++asked_[key];
}

void DnsTracker::take_response(const Route& route, DnsMessage message, Timestamp time) {
  Open* const found = find_query(route, message, question_of(message, route.service));
  if (found == nullptr) {
    if (other_question_open(route, message)) add(message.anomalies, Anomaly::dns_question_mismatch);
    const bool announcement =
        route.service == DnsService::mdns && is_multicast(route.receiver.address);
    tell_single(route, std::move(message), time,
                announcement ? DnsOutcome::multicast : DnsOutcome::orphan);
    return;
  }
  DnsTransaction& t = found->transaction;
  ++t.responses;
  t.last_at = time;
  t.anomalies |= message.anomalies;
  if (t.responses == 1) {
    t.outcome = DnsOutcome::answered;
    t.response_at = time;
    if (found->key.server == IpAddress{}) t.server = route.sender;
    t.response = std::move(message);
  }
  touch(*found, answered_);
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
  tell(t);
}

void DnsTracker::tell(const DnsTransaction& transaction) {
  ++stats_.transactions;
  if (transaction.outcome == DnsOutcome::orphan) ++stats_.orphans;
  AnomalySet of_messages = transaction.anomalies;
  of_messages.reset(static_cast<std::size_t>(Anomaly::frame_cut));  // the packet's, counted there
  if (transaction.message().questions.size() > dns_questions_max)
    add(of_messages, Anomaly::dns_records_omitted);
  stats_.anomalies.add(of_messages);
  observer_.transaction_ended(transaction);
}

// The exchange that was quiet for longest goes.
void DnsTracker::make_room() {
  if (index_.size() < limits_.transactions_max) return;
  Open* oldest = waiting_.empty() ? nullptr : &waiting_.front();
  if (!answered_.empty()) {
    Open& other = answered_.front();
    const auto age = [](const Open& o) {
      return std::pair{o.transaction.last_at, o.transaction.number};
    };
    if (oldest == nullptr || age(other) < age(*oldest)) oldest = &other;
  }
  add(oldest->transaction.anomalies, Anomaly::dns_table_full);
  close(*oldest);
}

void DnsTracker::collect(List& list, Timestamp last_at_max, std::vector<Due>& out) {
  for (Open& open : list) {
    if (open.transaction.last_at > last_at_max) break;
    out.push_back({open.transaction.number, &open});
  }
}

void DnsTracker::collect_due(Timestamp now, std::vector<Due>& out) {
  const std::int64_t tick = nanoseconds(now) / 1'000'000'000;
  if (tick <= last_tick_) return;
  last_tick_ = tick;
  const Timestamp at = timestamp(tick * 1'000'000'000);
  collect(waiting_, at - limits_.query_timeout, out);
  collect(answered_, at - limits_.linger, out);
}

void DnsTracker::collect_all(std::vector<Due>& out) {
  collect(waiting_, Timestamp::max(), out);
  collect(answered_, Timestamp::max(), out);
  streams_.clear();
  last_tick_ = 0;
}

void DnsTracker::shift(Nanoseconds delta) {
  for (List* const list : {&waiting_, &answered_}) {
    for (Open& open : *list) {
      DnsTransaction& t = open.transaction;
      t.query_at += delta;
      if (t.responses > 0) t.response_at += delta;
      t.last_at += delta;
    }
  }
  last_tick_ = 0;
}

}  // namespace dpi
