// Exchanges that are still going on, found by what a query and its response have in common. Bounded
// in number and memory: at the limit the oldest of the client that holds most has to go.
#pragma once

#include <array>
#include <chrono>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "probe/base/holders.h"
#include "probe/base/siphash.h"
#include "probe/dns/transaction.h"

namespace dpi {

// Endpoints, transport and ID. A multicast or broadcast question is answered from an address of its
// own, so its server is the zero address here.
struct DnsKey {
  Endpoint client;
  IpAddress server;
  std::uint16_t server_port = 0;
  std::uint16_t id = 0;
  DnsTransport transport = DnsTransport::udp;
  bool operator==(const DnsKey&) const = default;
};

struct OpenDns {
  // What is awaited decides when the exchange ends.
  enum class Phase : std::uint8_t {
    waiting,   // for the first response
    answered,  // for further ones
    transfer,  // of a zone: as long as its connection lives
    early,     // for the query of a response that was captured before it
    count_,
  };
  static constexpr std::size_t phase_count = static_cast<std::size_t>(Phase::count_);
  using List = std::list<OpenDns>;

  DnsTransaction transaction;
  DnsKey key;
  std::string question;  // name in lower case, type, class; empty: none or not known
  Phase phase = Phase::waiting;
  std::uint32_t stream = 0;  // the flow's slot, of a transfer
  bool uncertain = false;    // found by content, and nothing has answered yet

  // The table's.
  List::iterator place;
  Holders<OpenDns>::Place held;
  std::list<OpenDns*>::iterator sibling;
  bool among_answered = false;
};

class OpenDnsTable {
 public:
  // `transactions_max`: those that keep more than bytes_each count as several.
  OpenDnsTable(std::size_t transactions_max, HashSeed seed);
  OpenDnsTable(const OpenDnsTable&) = delete;
  OpenDnsTable& operator=(const OpenDnsTable&) = delete;
  ~OpenDnsTable() = default;

  // Number, key, question and phase are set.
  OpenDns& add(OpenDns open);
  // It has a newer message, and perhaps another phase.
  void touch(OpenDns& open, OpenDns::Phase phase);
  void remove(OpenDns& open);

  // With this question; `early` tells which kind.
  [[nodiscard]] OpenDns* find(const DnsKey& key, const std::string& question, bool early) const;
  // What a message without a question belongs to: the oldest query that has no response, or else
  // the exchange that was answered last.
  [[nodiscard]] OpenDns* find(const DnsKey& key) const;

  [[nodiscard]] static std::size_t bytes_of(const OpenDns& open) noexcept;
  // Who has to go before there is room for so many bytes more; nullptr: there is.
  [[nodiscard]] OpenDns* over_limit(std::size_t more_bytes) const;

  // In order of last messages.
  [[nodiscard]] OpenDns::List& list(OpenDns::Phase phase) {
    return lists_[static_cast<std::size_t>(phase)];
  }

 private:
  static constexpr std::size_t bytes_each = 2048;
  struct Hash {
    HashSeed seed;
    [[nodiscard]] std::uint64_t of(const DnsKey& key, std::uint64_t question) const noexcept;
    std::size_t operator()(const DnsKey& key) const noexcept { return of(key, 0); }
  };
  [[nodiscard]] std::uint64_t hash(const DnsKey& key, const std::string& question) const noexcept;
  static std::size_t units(std::size_t bytes) noexcept {
    return (bytes + bytes_each - 1) / bytes_each;
  }
  std::size_t units_max_;
  HashSeed seed_;
  std::array<OpenDns::List, OpenDns::phase_count> lists_;
  Holders<OpenDns> holders_;
  std::unordered_multimap<std::uint64_t, OpenDns*> by_question_;
  // Those with a query.
  struct Siblings {
    std::list<OpenDns*> waiting;   // for a response, in order of first messages
    std::list<OpenDns*> answered;  // in order of last messages
  };
  std::unordered_map<DnsKey, Siblings, Hash> by_key_;
};

}  // namespace dpi
