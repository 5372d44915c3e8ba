#include "probe/dns/open_table.h"

#include <algorithm>
#include <iterator>

namespace dpi {

std::uint64_t OpenDnsTable::Hash::of(const DnsKey& key, std::uint64_t question) const noexcept {
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
    *out++ = static_cast<std::uint8_t>(question >> shift & 0xffU);
  return siphash(seed, bytes);
}

std::uint64_t OpenDnsTable::hash(const DnsKey& key, const std::string& question) const noexcept {
  return Hash{seed_}.of(key, siphash(seed_, as_bytes(std::string_view{question})));
}

OpenDnsTable::OpenDnsTable(std::size_t transactions_max, HashSeed seed)
    : units_max_(transactions_max), seed_(seed), holders_(seed), by_key_(16, Hash{seed}) {}

std::size_t OpenDnsTable::bytes_of(const OpenDns& open) noexcept {
  const DnsTransaction& t = open.transaction;
  return sizeof(OpenDns) + open.question.capacity() + (t.query ? t.query->memory_bytes() : 0) +
         (t.response ? t.response->memory_bytes() : 0);
}

OpenDns* OpenDnsTable::over_limit(std::size_t more_bytes) const {
  return holders_.total() + units(more_bytes) > units_max_ ? holders_.oldest_of_largest() : nullptr;
}

OpenDns& OpenDnsTable::add(OpenDns added) {
  OpenDns::List& to = list(added.phase);
  OpenDns& open = to.emplace_back(std::move(added));
  open.place = std::prev(to.end());
  holders_.add(open.key.client.address, open, units(bytes_of(open)));
  by_question_.emplace(hash(open.key, open.question), &open);
  if (open.phase == OpenDns::Phase::early) return open;
  std::list<OpenDns*>& waiting = by_key_[open.key].waiting;
  open.sibling = waiting.insert(waiting.end(), &open);
  return open;
}

void OpenDnsTable::touch(OpenDns& open, OpenDns::Phase phase) {
  OpenDns::List& to = list(phase);
  to.splice(to.end(), list(open.phase), open.place);
  holders_.touch(open);
  holders_.resize(open, units(bytes_of(open)));
  Siblings& siblings = by_key_[open.key];
  if (open.phase == OpenDns::Phase::early) {
    open.sibling = siblings.answered.insert(siblings.answered.end(), &open);
    open.among_answered = true;
  } else if (open.transaction.responses > 0) {
    siblings.answered.splice(siblings.answered.end(),
                             open.among_answered ? siblings.answered : siblings.waiting,
                             open.sibling);
    open.among_answered = true;
  }
  open.phase = phase;
}

void OpenDnsTable::remove(OpenDns& open) {
  holders_.remove(open);
  const auto [first, last] = by_question_.equal_range(hash(open.key, open.question));
  by_question_.erase(std::find_if(first, last, [&](const auto& e) { return e.second == &open; }));
  if (open.phase != OpenDns::Phase::early) {
    const auto found = by_key_.find(open.key);
    Siblings& siblings = found->second;
    (open.among_answered ? siblings.answered : siblings.waiting).erase(open.sibling);
    if (siblings.waiting.empty() && siblings.answered.empty()) by_key_.erase(found);
  }
  list(open.phase).erase(open.place);
}

OpenDns* OpenDnsTable::find(const DnsKey& key, const std::string& question, bool early) const {
  const auto [first, last] = by_question_.equal_range(hash(key, question));
  const auto found = std::find_if(first, last, [&](const auto& e) {
    const OpenDns& open = *e.second;
    return (open.phase == OpenDns::Phase::early) == early && open.key == key &&
           open.question == question;
  });
  return found == last ? nullptr : found->second;
}

OpenDns* OpenDnsTable::find(const DnsKey& key) const {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  const Siblings& siblings = found->second;
  return siblings.waiting.empty() ? siblings.answered.back() : siblings.waiting.front();
}

}  // namespace dpi
