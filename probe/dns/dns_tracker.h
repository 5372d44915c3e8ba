// Pairs queries with responses over UDP and TCP. Bounded; timers run on packet time in whole
// seconds. What is due is collected first and ended afterwards, so that several trackers can end
// their transactions in one order.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "dissectors/packet_view.h"
#include "probe/base/siphash.h"
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
  // An exchange that is still going on.
  struct Open;
  // One that is to end.
  struct Due {
    std::uint64_t number = 0;
    Open* open = nullptr;
  };

  DnsTracker(DnsLimits limits, HashSeed seed, StreamMemory& memory, DnsObserver& observer);
  DnsTracker(const DnsTracker&) = delete;
  DnsTracker& operator=(const DnsTracker&) = delete;
  ~DnsTracker();

  // Any packet; those of other services return at once. Packet numbers order transactions by their
  // first messages. What was noticed in its stream.
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
  // What a query and its response have in common. A multicast or broadcast question is answered
  // from an address of its own, so its server is the zero address here.
  struct Key {
    Endpoint client;
    IpAddress server;
    std::uint16_t server_port = 0;
    std::uint16_t id = 0;
    DnsTransport transport = DnsTransport::udp;
    std::uint64_t question = 0;  // keyed hash of its text; 0: whatever the question
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    HashSeed seed;
    std::size_t operator()(const Key& key) const noexcept;
  };
  using List = std::list<Open>;
  struct Streams {
    explicit Streams(StreamMemory& memory) noexcept
        : sides{MessageStream{memory}, MessageStream{memory}} {}
    std::array<MessageStream, 2> sides;
  };
  struct Route {
    Endpoint sender;
    Endpoint receiver;
    DnsTransport transport = DnsTransport::udp;
    DnsService service = DnsService::dns;
  };

  void take(const Route& route, Bytes bytes, bool cut, Timestamp time);
  void take_query(const Route& route, DnsMessage message, Timestamp time);
  void take_response(const Route& route, DnsMessage message, Timestamp time);
  void tell_single(const Route& route, DnsMessage message, Timestamp time, DnsOutcome outcome);
  AnomalySet observe_tcp(const Flow& flow, Side sender, const PacketView& view, const Route& route,
                         Timestamp time);
  // `key` is without the question.
  [[nodiscard]] Open* find(const Key& key, const std::string& question);
  [[nodiscard]] Key with_question(Key key, const std::string& question) const noexcept;
  [[nodiscard]] Open* find_query(const Route& route, const DnsMessage& response,
                                 const std::string& question);
  [[nodiscard]] bool other_question_open(const Route& route, const DnsMessage& response) const;
  void open(const Route& route, DnsMessage message, Timestamp time, const Key& key,
            std::string question);
  void touch(Open& open, List& list);
  void close(Open& open);
  void tell(const DnsTransaction& transaction);
  void make_room();
  static void collect(List& list, Timestamp last_at_max, std::vector<Due>& out);

  DnsLimits limits_;
  StreamMemory& memory_;
  DnsObserver& observer_;
  HashSeed seed_;
  std::unordered_multimap<Key, Open*, KeyHash> index_;
  std::unordered_map<Key, std::uint32_t, KeyHash>
      asked_;  // how many are open, by key without question
  // Each in order of last messages: what is due, and what goes when the table is full, stands at a
  // head.
  List waiting_;                              // for their first response
  List answered_;                             // for further ones
  std::map<std::uint32_t, Streams> streams_;  // by the flow's slot
  std::uint64_t next_number_ = 0;
  std::int64_t last_tick_ = 0;
  DnsStats stats_;
};

}  // namespace dpi
