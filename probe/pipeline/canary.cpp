#include "probe/pipeline/canary.h"

#include <algorithm>

namespace dpi {
namespace {

using Byte = std::uint8_t;
constexpr std::size_t ethernet_bytes = 14;
constexpr std::size_t ipv4_bytes = 20;
constexpr std::size_t udp_bytes = 8;

// canary.ransomeye.invalid: a top-level domain that nobody can own (RFC 6761 §6.4).
constexpr std::array<Byte, 26> name{6,   'c', 'a', 'n', 'a', 'r', 'y', 9,   'r', 'a', 'n', 's', 'o',
                                    'm', 'e', 'y', 'e', 7,   'i', 'n', 'v', 'a', 'l', 'i', 'd', 0};
constexpr std::array<Byte, 4> type_a_class_in{0, 1, 0, 1};
// RFC 1035 §4.1.1: one question; RD, and QR, RA and one answer in the response.
constexpr std::array<Byte, 12> query_header{0x43, 0x59, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0};
constexpr std::array<Byte, 12> response_header{0x43, 0x59, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0};
// The name again by pointer, A, IN, TTL 0, 192.0.2.80.
constexpr std::array<Byte, 16> answer{0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 192, 0, 2, 80};
// TEST-NET-1 (RFC 5737): no host of any network.
constexpr std::array<Byte, 4> client{192, 0, 2, 1};
constexpr std::array<Byte, 4> server{192, 0, 2, 53};
constexpr std::uint16_t client_port = 49'153;
constexpr std::uint16_t server_port = 53;

template <std::size_t N>
class Frame {
 public:
  constexpr void add(std::uint16_t value) {
    bytes_[size_++] = static_cast<Byte>(value >> 8U);
    bytes_[size_++] = static_cast<Byte>(value & 0xffU);
  }
  template <std::size_t M>
  constexpr void add(const std::array<Byte, M>& part) {
    for (const Byte b : part) bytes_[size_++] = b;
  }
  // RFC 1071, of the IPv4 header.
  constexpr void close() {
    std::uint32_t sum = 0;
    for (std::size_t i = ethernet_bytes; i < ethernet_bytes + ipv4_bytes; i += 2)
      sum += static_cast<std::uint32_t>(bytes_[i] << 8U | bytes_[i + 1]);
    while (sum >> 16U != 0) sum = (sum & 0xffffU) + (sum >> 16U);
    const auto checksum = static_cast<std::uint16_t>(~sum);
    bytes_[ethernet_bytes + 10] = static_cast<Byte>(checksum >> 8U);
    bytes_[ethernet_bytes + 11] = static_cast<Byte>(checksum & 0xffU);
  }
  [[nodiscard]] constexpr const std::array<Byte, N>& bytes() const { return bytes_; }

 private:
  std::array<Byte, N> bytes_{};
  std::size_t size_ = 0;
};

template <std::size_t N>
constexpr void add_headers(Frame<N>& frame, const std::array<Byte, 4>& from,
                           std::uint16_t from_port, const std::array<Byte, 4>& to,
                           std::uint16_t to_port) {
  frame.add(std::array<Byte, 12>{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1});  // locally administered
  frame.add(std::uint16_t{0x0800});
  constexpr auto ip_bytes = static_cast<std::uint16_t>(N - ethernet_bytes);
  frame.add(std::array<Byte, 2>{0x45, 0});
  frame.add(ip_bytes);
  frame.add(std::array<Byte, 8>{0, 0, 0x40, 0, 64, 17, 0, 0});  // DF, TTL 64, UDP
  frame.add(from);
  frame.add(to);
  frame.add(from_port);
  frame.add(to_port);
  frame.add(static_cast<std::uint16_t>(ip_bytes - ipv4_bytes));
  frame.add(std::uint16_t{0});  // no checksum (RFC 768)
}

constexpr std::size_t query_bytes = ethernet_bytes + ipv4_bytes + udp_bytes + query_header.size() +
                                    name.size() + type_a_class_in.size();
constexpr std::size_t response_bytes = query_bytes + answer.size();

constexpr auto query = [] {
  Frame<query_bytes> frame;
  add_headers(frame, client, client_port, server, server_port);
  frame.add(query_header);
  frame.add(name);
  frame.add(type_a_class_in);
  frame.close();
  return frame.bytes();
}();

constexpr auto response = [] {
  Frame<response_bytes> frame;
  add_headers(frame, server, server_port, client, client_port);
  frame.add(response_header);
  frame.add(name);
  frame.add(type_a_class_in);
  frame.add(answer);
  frame.close();
  return frame.bytes();
}();

}  // namespace

std::array<RawPacket, 2> canary_exchange(Timestamp at) noexcept {
  constexpr LinkType ethernet{1};
  return {RawPacket{.data = query,
                    .wire_bytes = static_cast<std::uint32_t>(query.size()),
                    .time = at,
                    .link = ethernet},
          RawPacket{.data = response,
                    .wire_bytes = static_cast<std::uint32_t>(response.size()),
                    .time = at,
                    .link = ethernet}};
}

void CanaryWatch::sealed(Kind kind, std::uint64_t canary, std::uint64_t seq) noexcept {
  if (canary == number_) events_[static_cast<std::size_t>(kind)].seq = seq;
}

bool CanaryWatch::waits_for_storage() const noexcept {
  return under_way_ && std::any_of(events_.begin(), events_.end(),
                                   [](const Event& e) { return e.seq && !e.stored_at_us; });
}

void CanaryWatch::stored(const StoredEvents& stored) noexcept {
  for (Event& e : events_) {
    if (!e.seq || e.stored_at_us) continue;
    e.durable = *e.seq < stored.durable_seq;
    if (!e.durable) continue;
    if (!stored.acked_seq) {
      e.stored_at_us = stored.durable_at_us;
    } else if (*e.seq < *stored.acked_seq) {
      e.stored_at_us = stored.acked_at_us;
    }
  }
}

std::string_view CanaryWatch::stage() const noexcept {
  const auto passed = [&](const std::atomic<std::uint64_t>& newest) {
    return newest.load(std::memory_order_relaxed) >= number_;
  };
  if (!passed(progress_.decoded)) return "decode";
  if (!passed(progress_.flow_tracked) || !passed(progress_.dns_tracked)) return "flow";
  if (!passed(progress_.classified)) return "classify";
  const auto all = [&](auto holds) { return std::all_of(events_.begin(), events_.end(), holds); };
  if (!all([](const Event& e) { return e.seq.has_value(); })) return "seal";
  if (!all([](const Event& e) { return e.durable; })) return "spool";
  if (!all([](const Event& e) { return e.stored_at_us.has_value(); })) return "commit";
  return {};
}

std::optional<CanaryFacts> CanaryWatch::report(std::uint64_t now_us) noexcept {
  if (!under_way_) return std::nullopt;
  const std::string_view stopped_at = stage();
  const std::uint64_t patience = stopped_at == "commit" ? commit_patience_us : patience_us;
  if (!stopped_at.empty() && now_us - asked_at_us_ < patience) return std::nullopt;
  under_way_ = false;
  CanaryFacts out{.number = number_,
                  .flow_lag_us = std::nullopt,
                  .dns_lag_us = std::nullopt,
                  .stage = stopped_at};
  if (!stopped_at.empty()) return out;
  const auto lag = [&](Kind kind) {
    const std::uint64_t at = *events_[static_cast<std::size_t>(kind)].stored_at_us;
    return at - std::min(at, asked_at_us_);
  };
  out.flow_lag_us = lag(Kind::flow);
  out.dns_lag_us = lag(Kind::dns);
  return out;
}

void CanaryWatch::ask(std::uint64_t now_us) noexcept {
  if (under_way_) return;
  under_way_ = true;
  asked_at_us_ = now_us;
  events_ = {};
  progress_.asked.store(++number_, std::memory_order_relaxed);
}

}  // namespace dpi
