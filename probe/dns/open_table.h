// Exchanges that are still going on, found by what a query and its response have in common. Bounded
// in number and memory: at the limit the oldest of the client that holds most has to go. Places are
// used again, and all links are the items' own: an exchange costs no allocation here.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "probe/base/holders.h"
#include "probe/base/siphash.h"
#include "probe/dns/chain_table.h"
#include "probe/dns/linked_list.h"
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

struct DnsSiblings;

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

  DnsTransaction transaction;
  DnsKey key;
  std::string question;  // name in lower case, type, class; empty: none or not known
  Phase phase = Phase::waiting;
  std::uint32_t stream = 0;  // the flow's slot, of a transfer
  bool uncertain = false;    // found by content, and nothing has answered yet

  // The table's.
  bool among_answered = false;
  std::uint64_t hash = 0;  // of key and question
  OpenDns* next_in_chain = nullptr;
  Links<OpenDns> in_phase;
  Links<OpenDns> in_siblings;
  DnsSiblings* siblings = nullptr;  // those with a query have some
  Holders<OpenDns>::Place held;
};

// Exchanges of one key.
struct DnsSiblings {
  using List = LinkedList<OpenDns, &OpenDns::in_siblings>;
  DnsKey key;
  List waiting;   // for a response, in order of first messages
  List answered;  // in order of last messages

  std::uint64_t hash = 0;
  DnsSiblings* next_in_chain = nullptr;
};

class OpenDnsTable {
 public:
  using List = LinkedList<OpenDns, &OpenDns::in_phase>;

  // `transactions_max`: those that keep more than bytes_each count as several.
  static constexpr std::size_t bytes_each = 2048;
  OpenDnsTable(std::size_t transactions_max, HashSeed seed);
  OpenDnsTable(const OpenDnsTable&) = delete;
  OpenDnsTable& operator=(const OpenDnsTable&) = delete;
  ~OpenDnsTable() = default;

  // A place to fill: transaction, key, question and phase. It is of the table once it is added.
  [[nodiscard]] OpenDns& make();
  void add(OpenDns& open);
  // It has a newer message, and perhaps another phase.
  void touch(OpenDns& open, OpenDns::Phase phase);
  void remove(OpenDns& open);

  // With this question; `early` tells which kind.
  [[nodiscard]] OpenDns* find(const DnsKey& key, std::string_view question, bool early) const;
  // What a message without a question belongs to: the oldest query that has no response, or else
  // the exchange that was answered last.
  [[nodiscard]] OpenDns* find(const DnsKey& key) const;

  [[nodiscard]] static std::size_t bytes_of(const OpenDns& open) noexcept;
  // Who has to go before there is room for so many bytes more; nullptr: there is.
  [[nodiscard]] OpenDns* over_limit(std::size_t more_bytes) const;

  // In order of last messages.
  [[nodiscard]] List& list(OpenDns::Phase phase) { return lists_[static_cast<std::size_t>(phase)]; }

 private:
  static constexpr std::size_t fair_units = 8;  // a page's names, asked for at once
  static std::size_t units(std::size_t bytes) noexcept {
    return (bytes + bytes_each - 1) / bytes_each;
  }
  [[nodiscard]] std::uint64_t hash(const DnsKey& key) const noexcept;
  [[nodiscard]] std::uint64_t hash(const DnsKey& key, std::string_view question) const noexcept;
  [[nodiscard]] DnsSiblings* siblings_of(const DnsKey& key, std::uint64_t hash) const noexcept;
  DnsSiblings& make_siblings(const DnsKey& key);

  std::size_t units_max_;
  HashSeed seed_;
  std::array<List, OpenDns::phase_count> lists_;
  Holders<OpenDns> holders_;
  ChainTable<OpenDns> by_question_;
  ChainTable<DnsSiblings> by_key_;
  std::deque<OpenDns> places_;
  std::vector<OpenDns*> free_;
  std::deque<DnsSiblings> siblings_;
  std::vector<DnsSiblings*> free_siblings_;
};

}  // namespace dpi
