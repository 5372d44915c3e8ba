#include "probe/audit/beside_chain.h"

#include <algorithm>
#include <utility>

#include "probe/audit/row_deriver.h"

namespace dpi {
namespace {

constexpr std::uint64_t subtree_leaves = 256;

}  // namespace

BesideChain::BesideChain(const AuditContext& context, const Uuid& instance)
    : context_(context),
      instance_(instance),
      mine_(fmt::format("where component_instance_id = '{}'", uuid_text(instance))),
      block_(MerkleTree{}) {}

void BesideChain::say(std::string where, std::string what) {
  context_.findings.add({instance_, std::nullopt, std::move(where), std::move(what)});
}

Result<void> BesideChain::read(ChainVerifier& verifier) {
  for (auto read : {
           context_.each("re_core.component_identity_history", mine_,
                         [&](const StoredRow& row) {
                           context_.want_enrolled(row, "first_seq " + row.shown("first_seq"));
                           history_[static_cast<std::uint64_t>(row.integer("first_seq"))] = {
                               {row.uuid("boot_id"), row.text("hostname"), row.text("version")},
                               row.integer("emitted_at"),
                               row.integer("ingested_at"),
                               false};
                         }),
           context_.each("re_core.signing_key_status", mine_,
                         [&](const StoredRow& row) { read_key_status(row, verifier); }),
       }) {
    if (!read) return read;
  }
  return context_.each("re_raw.subtree", mine_, [&](const StoredRow& row) {
    context_.want_enrolled(row, "subtree_no " + row.shown("subtree_no"));
    subtrees_end_ = std::max(subtrees_end_, row.integer("subtree_no") + 1);
  });
}

void BesideChain::read_key_status(const StoredRow& row, ChainVerifier& verifier) {
  const Bytes id = row.bytes("key_id");
  const std::int64_t seq = row.integer("effective_seq");
  const std::string status = row.text("status");
  RegisteredKey& key = keys_[hex(id)];
  if (row.integer("status_no") == 1) {
    key.from = seq;
  } else if (status == "superseded") {
    key.superseded.push_back(seq);
  } else if (status == "revoked" || status == "compromised") {
    Digest key_id{};
    if (id.size() != key_id.size() || seq < 0) return;  // the registry's audit says so
    std::ranges::copy(id, key_id.begin());
    if (status == "compromised") compromised_.insert(key_id);
    verifier.revoke(key_id, static_cast<std::uint64_t>(seq));
  }
}

Result<void> BesideChain::read_subtrees(std::uint64_t first, std::uint64_t last) {
  subtrees_.clear();
  return context_.each("re_raw.subtree",
                       fmt::format("{} and subtree_no between {} and {}", mine_,
                                   first / subtree_leaves, last / subtree_leaves),
                       [&](const StoredRow& row) {
                         const Bytes hash = row.bytes("subtree_hash");
                         subtrees_[static_cast<std::uint64_t>(row.integer("subtree_no"))] = {
                             hash.begin(), hash.end()};
                       });
}

void BesideChain::judge_subtree(std::uint64_t seq, const Digest& leaf) {
  if (seq % subtree_leaves == 0) block_ = MerkleTree{};
  if (!block_) return;  // it began with events that are not here
  block_->add(leaf);
  if (block_->size() < subtree_leaves) return;
  const auto number = seq / subtree_leaves;
  const auto kept = subtrees_.find(number);
  const std::string where = fmt::format("re_raw.subtree (subtree_no {})", number);
  if (kept == subtrees_.end()) {
    // They are computed in order, when a day is sealed.
    if (static_cast<std::int64_t>(number) < subtrees_end_) say(where, "the row is missing");
  } else if (!same_bytes(kept->second, block_->root())) {
    say(where, "subtree_hash is not that of its events");
  }
}

void BesideChain::note_identity(const Envelope& envelope, SqlTime ingested_at) {
  const std::uint64_t seq = envelope.seq;
  if (std::ranges::any_of(filled_, [seq](const auto& range) {
        return seq >= range.first && seq <= range.second;
      })) {
    return;
  }
  const Identity now{envelope.identity.boot, envelope.identity.hostname, envelope.identity.version};
  const bool changed = identity_ != now;
  identity_ = now;
  const auto noted = history_.find(seq);
  const std::string where = fmt::format("re_core.component_identity_history (first_seq {})", seq);
  if (!changed) return;
  if (noted == history_.end()) return say(where, "the row is missing");
  noted->second.met = true;
  const auto want = [&](bool holds, std::string_view column) {
    if (!holds) say(where, fmt::format("{} is not that of the event", column));
  };
  want(noted->second.identity.boot == now.boot, "boot_id");
  want(noted->second.identity.hostname == now.hostname, "hostname");
  want(noted->second.identity.version == now.version, "version");
  want(noted->second.emitted_at == split_time(envelope.emitted_at).us, "emitted_at");
  want(noted->second.ingested_at == ingested_at, "ingested_at");
}

void BesideChain::event(const Envelope& envelope, const Digest& leaf, SqlTime ingested_at) {
  note_identity(envelope, ingested_at);
  judge_subtree(envelope.seq, leaf);
}

void BesideChain::skipped(std::uint64_t next_seq) {
  if (next_seq % subtree_leaves != 0) block_.reset();
  // What was noted before is taken as it is.
  for (auto& [first, noted] : history_) {
    if (first >= next_seq) break;
    identity_ = noted.identity;
    noted.met = true;
  }
}

Result<void> BesideChain::read_tree(std::uint64_t next_seq) {
  const std::uint64_t blocks = (next_seq + subtree_leaves - 1) / subtree_leaves;
  MerkleTree tree;
  auto read = context_.each(
      "re_raw.subtree", fmt::format("{} and subtree_no < {} order by subtree_no", mine_, blocks),
      [&](const StoredRow& row) {
        Digest hash{};
        const Bytes bytes = row.bytes("subtree_hash");
        std::copy_n(bytes.begin(), std::min(bytes.size(), hash.size()), hash.begin());
        tree.add(hash);
      });
  if (!read) return read;
  kept_.reset();
  if (tree.size() != blocks) return {};
  // The peaks over whole subtrees are those over their leaves.
  ByteBuffer state = tree.save();
  const std::uint64_t size = blocks * subtree_leaves;
  for (std::size_t i = 0; i < 8; ++i) state[i] = static_cast<std::uint8_t>(size >> (56U - 8U * i));
  kept_ = MerkleTree::restore(state);
  return {};
}

std::optional<MerkleTree> BesideChain::tree(std::uint64_t size) {
  if (!kept_ || kept_->size() != size) return std::nullopt;
  return std::exchange(kept_, std::nullopt);
}

void BesideChain::finish(const ChainVerifier& verifier) {
  for (const auto& [first, noted] : history_) {
    if (noted.met) continue;
    say(fmt::format("re_core.component_identity_history (first_seq {})", first),
        "the row was added: no identity changes there");
  }
  const ChainReport& report = verifier.report();
  if (subtrees_end_ > static_cast<std::int64_t>(report.events / subtree_leaves)) {
    say(fmt::format("re_raw.subtree (subtree_no {})", subtrees_end_ - 1),
        "the row was added: there are not so many events");
  }
  if (report.events == 0) return;
  judge_keys(verifier);
}

// Each key that the chain announces is registered from that very event on, and superseded at the
// event that replaces it.
void BesideChain::judge_key(const AnnouncedKey& key, const ChainReport& report) {
  const std::string id = hex(key.key.key_id());
  const auto registered = keys_.find(id);
  if (registered == keys_.end() || !registered->second.from)
    return say("re_core.signing_key", "the row of key " + id + " is missing");
  const std::string where = fmt::format("re_core.signing_key_status (key_id {})", id);
  const std::int64_t from = *registered->second.from;
  if (key.seq && static_cast<std::uint64_t>(from) != *key.seq)
    say(where, fmt::format("registered from sequence {} on; the chain says {}", from, *key.seq));
  for (const std::int64_t at : registered->second.superseded) {
    const auto superseded = static_cast<std::uint64_t>(at);
    if (key.replaced_at ? superseded == *key.replaced_at
                        : report.skipped > 0 || superseded >= report.events)
      continue;
    say(where, fmt::format("superseded from sequence {} on; the chain says {}", at,
                           key.replaced_at ? std::to_string(*key.replaced_at) : "nothing of it"));
  }
}

void BesideChain::judge_keys(const ChainVerifier& verifier) {
  const std::vector<AnnouncedKey>& announced = verifier.announced();
  for (const AnnouncedKey& key : announced) judge_key(key, verifier.report());
  const ChainReport& report = verifier.report();
  if (report.skipped > 0) return;  // it may have been announced there
  for (const auto& entry : keys_) {
    const std::string& id = entry.first;
    const auto& key = entry.second;
    const bool met = std::ranges::any_of(
        announced, [&id](const AnnouncedKey& one) { return hex(one.key.key_id()) == id; });
    const bool ahead = static_cast<std::uint64_t>(key.from.value_or(0)) >= report.events;
    if (!met && !ahead) {
      say("re_core.signing_key (key_id " + id + ")",
          fmt::format("the chain announces no such key, though it was to hold from sequence {} on",
                      key.from.value_or(0)));
    }
  }
}

}  // namespace dpi
