// Pairs queries with responses over UDP and TCP. Bounded; timers run on packet time in whole
// seconds. What is due is collected first and ended afterwards, so that several trackers can end
// their transactions in one order.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "dissectors/packet_view.h"
#include "probe/base/holders.h"
#include "probe/base/siphash.h"
#include "probe/dns/message_stream.h"
#include "probe/dns/open_table.h"
#include "probe/dns/transaction.h"
#include "probe/flow/flow.h"

namespace dpi {

struct DnsLimits {
  std::size_t transactions_max = 65'536;  // one that keeps more than 2 KiB counts as several
  std::size_t streams_max = 4096;
  std::chrono::seconds query_timeout{10};
  std::chrono::seconds linger{2};  // an answered exchange waits for further responses
};

struct DnsStats {
  std::uint64_t messages = 0;  // of the transactions that were told
  std::uint64_t transactions = 0;
  std::uint64_t malformed = 0;
  std::uint64_t orphans = 0;  // responses without their query: another sign of loss
  AnomalyCounters anomalies;  // of messages; those of packets are counted where they are decoded

  DnsStats& operator+=(const DnsStats& other) noexcept;
};

class DnsTracker {
 public:
  // An exchange that is to end.
  struct Due {
    std::uint64_t number = 0;
    OpenDns* open = nullptr;
  };

  DnsTracker(DnsLimits limits, HashSeed seed, StreamMemory& memory, DnsObserver& observer);
  DnsTracker(const DnsTracker&) = delete;
  DnsTracker& operator=(const DnsTracker&) = delete;
  ~DnsTracker();

  // Any packet: a service's port or, on any other, its content tells that it is DNS. There, a row
  // begins with a query and a response that are beyond doubt. Packet numbers order transactions by
  // their first messages. What was noticed in its stream.
  AnomalySet observe(const Flow& flow, Side sender, const PacketView& view, Timestamp time,
                     std::uint64_t packet_number);
  // The flow is gone: its streams are too.
  void flow_ended(const Flow& flow);
  // Appends what is due at this packet time, in no order; nothing unless a second has begun. Each
  // of it must be ended before the next packet.
  void collect_due(Timestamp now, std::vector<Due>& out);
  // Appends everything: time ends here and may begin anew.
  void collect_all(std::vector<Due>& out);
  // The clock has stepped by this much: what is open waits on.
  void shift(Nanoseconds delta);
  void end(const Due& due) { close(*due.open); }

  [[nodiscard]] DnsStats stats() const noexcept { return stats_; }

 private:
  struct Route {
    Endpoint sender;
    Endpoint receiver;
    DnsTransport transport = DnsTransport::udp;
    DnsService service = DnsService::dns;
    std::uint32_t stream = 0;       // the flow's slot, over TCP
    bool by_content = false;        // no port says that it is DNS
    std::uint64_t flow_number = 0;  // where by_content
  };
  // One with at least one byte of payload.
  struct Connection {
    Connection(StreamMemory& memory, const Flow& flow_) noexcept
        : slot(flow_.slot), sides{MessageStream{memory}, MessageStream{memory}} {}
    std::uint32_t slot;
    std::array<MessageStream, 2> sides;
    std::size_t transfers = 0;  // of zones, that began in it
    // Of its last packet.
    Route route;
    Side sender = Side::low;
    Timestamp last_at{};
    Holders<Connection>::Place held;
  };

  AnomalySet observe_tcp(const Flow& flow, Side sender, const PacketView& view, Route route,
                         Timestamp time);
  Connection& connection_of(const Flow& flow, const IpAddress& client);
  void read(MessageStream& stream, const Route& route, Timestamp time);
  // What was acknowledged and is missing is read past.
  void read_acknowledged(MessageStream& stream, const Route& route, std::uint32_t sequence,
                         Timestamp time, bool at_once);
  // What lies behind holes that nobody fills any more.
  void read_rest(Connection& connection);
  void drop_connection(std::uint32_t slot);

  [[nodiscard]] bool watches_by_content(const Flow& flow, Side sender,
                                        const PacketView& view) const;
  void take_by_content(const Route& route, Bytes bytes, Timestamp time);
  void prove(const Route& route, OpenDns& open);
  void take(Route route, Bytes bytes, std::size_t wire_bytes, Timestamp time);
  void take_query(const Route& route, DnsMessage message, Timestamp time);
  void take_response(const Route& route, DnsMessage message, Timestamp time);
  [[nodiscard]] DnsTransaction single(const Route& route, DnsMessage message, Timestamp time,
                                      DnsOutcome outcome);
  [[nodiscard]] static DnsKey key_of_response(const Route& route,
                                              const DnsMessage& response) noexcept;
  [[nodiscard]] OpenDns* find_query(const Route& route, const DnsMessage& response);
  [[nodiscard]] OpenDns* find_query(const DnsKey& key, const DnsMessage& response,
                                    DnsService service);
  void hold_early(const Route& route, const DnsKey& key, std::string_view question,
                  DnsTransaction response);
  bool join_early(const Route& route, const DnsKey& key, std::string_view question,
                  DnsMessage& query, Timestamp time);
  void open(const Route& route, DnsMessage message, Timestamp time, const DnsKey& key,
            std::string_view question);
  void answer(const Route& route, OpenDns& open, DnsMessage message, Timestamp time);
  void add_open(OpenDns& open);
  void close(OpenDns& open);
  void tell(const DnsTransaction& transaction);
  void make_room(std::size_t bytes);
  void collect(OpenDns::Phase phase, Timestamp last_at_max, std::vector<Due>& out);

  DnsLimits limits_;
  StreamMemory& memory_;
  DnsObserver& observer_;
  OpenDnsTable open_;
  std::unordered_map<std::uint32_t, Connection> connections_;  // by the flow's slot
  Holders<Connection> holders_;                                // of them, by client
  // Flows in which content found a query and what answers it.
  std::unordered_set<std::uint64_t> proven_;
  std::string question_;  // of the message that is looked at
  std::uint64_t next_number_ = 0;
  std::int64_t last_tick_ = 0;
  DnsStats stats_;
};

}  // namespace dpi
