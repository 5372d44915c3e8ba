#include "probe/dns/open_table.h"

#include <algorithm>
#include <memory>

namespace dpi {
namespace {

// The next free place of a store, or a new one at its end.
template <class Item>
Item& take_place(std::vector<Item*>& free, std::deque<Item>& store) {
  if (free.empty()) return store.emplace_back();
  Item& item = *free.back();
  free.pop_back();
  return item;
}

}  // namespace

OpenDnsTable::OpenDnsTable(std::size_t transactions_max, HashSeed seed)
    : units_max_(transactions_max),
      seed_(seed),
      holders_(seed, std::min(fair_units, transactions_max / 64)) {}

std::uint64_t OpenDnsTable::hash(const DnsKey& key) const noexcept {
  const std::uint8_t* const client = key.client.address.bytes.data();
  const std::uint8_t* const server = key.server.bytes.data();
  const std::uint64_t rest = std::uint64_t{key.client.port} << 48U |
                             std::uint64_t{key.server_port} << 32U | std::uint64_t{key.id} << 16U |
                             static_cast<std::uint64_t>(key.transport);
  return siphash(seed_, std::array{word_at(client), word_at(client + 8), word_at(server),
                                   word_at(server + 8), rest});
}

std::uint64_t OpenDnsTable::hash(const DnsKey& key, std::string_view question) const noexcept {
  return siphash({seed_.k0 ^ hash(key), seed_.k1}, as_bytes(question));
}

std::size_t OpenDnsTable::bytes_of(const OpenDns& open) noexcept {
  const DnsTransaction& t = open.transaction;
  return sizeof(OpenDns) + open.question.capacity() + (t.query ? t.query->memory_bytes() : 0) +
         (t.response ? t.response->memory_bytes() : 0);
}

OpenDns* OpenDnsTable::over_limit(std::size_t more_bytes) const {
  return holders_.total() + units(more_bytes) > units_max_ ? holders_.oldest_of_largest() : nullptr;
}

OpenDns& OpenDnsTable::make() {
  return take_place(free_, places_);
}

DnsSiblings* OpenDnsTable::siblings_of(const DnsKey& key, std::uint64_t hash) const noexcept {
  return by_key_.find(hash, [&key](const DnsSiblings& s) { return s.key == key; });
}

DnsSiblings& OpenDnsTable::make_siblings(const DnsKey& key) {
  const std::uint64_t hashed = hash(key);
  if (DnsSiblings* const found = siblings_of(key, hashed)) return *found;
  DnsSiblings& made = take_place(free_siblings_, siblings_);
  made.key = key;
  made.hash = hashed;
  by_key_.insert(made);
  return made;
}

void OpenDnsTable::add(OpenDns& open) {
  open.hash = hash(open.key, open.question);
  by_question_.insert(open);
  list(open.phase).push_back(open);
  holders_.add(open.key.client.address, open, units(bytes_of(open)));
  if (open.phase == OpenDns::Phase::early) return;
  open.siblings = &make_siblings(open.key);
  open.siblings->waiting.push_back(open);
}

void OpenDnsTable::touch(OpenDns& open, OpenDns::Phase phase) {
  list(open.phase).remove(open);
  list(phase).push_back(open);
  holders_.touch(open);
  holders_.resize(open, units(bytes_of(open)));
  const bool was_early = open.phase == OpenDns::Phase::early;
  open.phase = phase;
  if (was_early) {
    open.siblings = &make_siblings(open.key);
  } else if (open.transaction.responses > 0) {
    (open.among_answered ? open.siblings->answered : open.siblings->waiting).remove(open);
  } else {
    return;
  }
  open.siblings->answered.push_back(open);
  open.among_answered = true;
}

void OpenDnsTable::remove(OpenDns& open) {
  holders_.remove(open);
  by_question_.remove(open);
  list(open.phase).remove(open);
  if (DnsSiblings* const siblings = open.siblings; siblings != nullptr) {
    (open.among_answered ? siblings->answered : siblings->waiting).remove(open);
    if (siblings->waiting.empty() && siblings->answered.empty()) {
      by_key_.remove(*siblings);
      free_siblings_.push_back(siblings);
    }
  }
  std::destroy_at(&open);
  std::construct_at(&open);
  free_.push_back(&open);
}

OpenDns* OpenDnsTable::find(const DnsKey& key, std::string_view question, bool early) const {
  return by_question_.find(hash(key, question), [&](const OpenDns& open) {
    return (open.phase == OpenDns::Phase::early) == early && open.key == key &&
           open.question == question;
  });
}

OpenDns* OpenDnsTable::find(const DnsKey& key) const {
  const DnsSiblings* const siblings = siblings_of(key, hash(key));
  if (siblings == nullptr) return nullptr;
  return siblings->waiting.empty() ? siblings->answered.last() : siblings->waiting.first();
}

}  // namespace dpi
