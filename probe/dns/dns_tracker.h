// Pairs queries with responses over UDP and TCP. Bounded; timers run on packet time in whole
// seconds. What is due is collected first and ended afterwards, so that several trackers can end
// their transactions in one order.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dissectors/packet_view.h"
#include "probe/dns/message_stream.h"
#include "probe/dns/transaction.h"
#include "probe/flow/flow.h"

namespace dpi {

struct DnsLimits {
  std::size_t transactions_max = 65'536;
  std::size_t streams_max = 4096;
  std::chrono::seconds query_timeout{10};
  std::chrono::seconds linger{2};  // an answered exchange waits for further responses
};

struct DnsStats {
  std::uint64_t messages = 0;
  std::uint64_t transactions = 0;
  std::uint64_t malformed = 0;
  std::uint64_t orphans = 0;  // responses without their query: another sign of loss
  AnomalyCounters anomalies;  // of messages; those of packets are counted where they are decoded

  DnsStats& operator+=(const DnsStats& other) noexcept;
};

class DnsTracker {
 public:
  DnsTracker(DnsLimits limits, StreamMemory& memory, DnsObserver& observer)
      : limits_(limits), memory_(memory), observer_(observer) {}

  // Any packet; those of other services return at once. Packet numbers order transactions by their
  // first messages. What was noticed in its stream.
  AnomalySet observe(const Flow& flow, Side sender, const PacketView& view, Timestamp time,
                     std::uint64_t packet_number);
  // The flow is gone: its streams are too.
  void flow_ended(const Flow& flow);
  // Appends the numbers of what is due at this packet time; nothing unless a second has begun. Each
  // of it must be ended before the next packet.
  void collect_due(Timestamp now, std::vector<std::uint64_t>& out);
  // Appends everything: time ends here and may begin anew.
  void collect_all(std::vector<std::uint64_t>& out);
  // The clock has stepped by this much: what is open waits on.
  void shift(Nanoseconds delta);
  void end(std::uint64_t number) { close(by_number_.at(number)); }

  [[nodiscard]] DnsStats stats() const noexcept { return stats_; }

 private:
  // What a query and its response have in common. A multicast or broadcast question is answered
  // from an address of its own, so its server is the zero address here.
  struct Key {
    Endpoint client;
    std::uint16_t server_port = 0;
    DnsTransport transport = DnsTransport::udp;
    std::uint16_t id = 0;
    IpAddress server;
    std::string question;  // name in lower case, type, class; empty: none
    auto operator<=>(const Key&) const = default;
  };
  struct Route {
    Endpoint sender;
    Endpoint receiver;
    DnsTransport transport = DnsTransport::udp;
    DnsService service = DnsService::dns;
  };
  struct Open {
    DnsTransaction transaction;
    Timestamp deadline{};
  };
  using Table = std::map<Key, Open>;

  void take(const Route& route, Bytes bytes, bool cut, Timestamp time);
  void take_query(const Route& route, DnsMessage message, Timestamp time);
  void take_response(const Route& route, DnsMessage message, Timestamp time);
  void tell_single(const Route& route, DnsMessage message, Timestamp time, DnsOutcome outcome);
  AnomalySet observe_tcp(const Flow& flow, Side sender, const PacketView& view, const Route& route,
                         Timestamp time);
  [[nodiscard]] Table::iterator find_query(const Route& route, const DnsMessage& response);
  [[nodiscard]] bool other_question_open(const Route& route, const DnsMessage& response) const;
  void schedule(Table::iterator place);
  void close(Table::iterator place);
  void tell(const DnsTransaction& transaction);
  void make_room();

  DnsLimits limits_;
  StreamMemory& memory_;
  DnsObserver& observer_;
  Table open_;
  // The oldest first, and what is due first: neither a full table nor a tick looks at all of it.
  std::map<std::uint64_t, Table::iterator> by_number_;
  std::set<std::pair<Timestamp, std::uint64_t>> by_deadline_;
  struct Streams {
    explicit Streams(StreamMemory& memory) noexcept
        : sides{MessageStream{memory}, MessageStream{memory}} {}
    std::array<MessageStream, 2> sides;
  };
  std::map<std::uint32_t, Streams> streams_;  // by the flow's slot
  std::uint64_t next_number_ = 0;
  std::int64_t last_tick_ = 0;
  DnsStats stats_;
};

}  // namespace dpi
