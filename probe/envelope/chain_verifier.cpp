#include "probe/envelope/chain_verifier.h"

#include <fmt/format.h>

#include <algorithm>

#include "probe/crypto/digest.h"
#include "probe/envelope/checkpoint.h"

namespace dpi {
namespace {

tl::unexpected<Error> broken(std::string what) {
  return fail(Errc::verification, std::move(what));
}

// A top-level string member of a canonical payload.
std::optional<std::string_view> string_member(std::string_view payload, std::string_view name) {
  const std::string wanted = fmt::format("\"{}\":\"", name);
  const std::size_t at = payload.find(wanted);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view value = payload.substr(at + wanted.size());
  return value.substr(0, value.find('"'));
}

bool contains(const std::vector<PublicKey>& keys, const PublicKey& key) {
  return std::any_of(keys.begin(), keys.end(),
                     [&](const PublicKey& k) { return k.raw() == key.raw(); });
}

}  // namespace

ChainVerifier::ChainVerifier(std::vector<PublicKey> trusted) : trusted_(std::move(trusted)) {}

Result<void> ChainVerifier::check_links(const Envelope& e) const {
  if (e.seq != next_seq_) {
    return broken(
        fmt::format("sequence {} stands where {} belongs: an event was deleted, inserted, "
                    "reordered or renumbered",
                    e.seq, next_seq_));
  }
  if (e.prev_hash != last_hash_) {
    return broken(
        fmt::format("sequence {}: prev_hash does not match the envelope before: that envelope was "
                    "edited or replaced",
                    e.seq));
  }
  if (!last_) return {};
  if (e.identity.instance != last_->identity.instance ||
      e.identity.machine != last_->identity.machine || e.identity.mode != last_->identity.mode) {
    return broken(
        fmt::format("sequence {}: instance, machine or mode changes inside the chain", e.seq));
  }
  if (e.identity.boot == last_->identity.boot && e.mono_us < last_->mono_us) {
    return broken(fmt::format("sequence {}: mono_us runs backwards inside one boot", e.seq));
  }
  return {};
}

Result<void> ChainVerifier::learn_key(const Envelope& e, std::string_view payload) {
  const bool start = e.event_type == "chain.start";
  if (start != (e.seq == 0)) {
    return broken(
        fmt::format("sequence {}: a chain begins with chain.start and has only one", e.seq));
  }
  if (!start && e.event_type != "key.rotate") return {};
  const auto spki = string_member(payload, start ? "key_spki" : "new_key_spki");
  const auto der = spki ? parse_base64(*spki) : std::nullopt;
  const auto key = der ? PublicKey::from_spki(*der) : std::nullopt;
  const auto id = string_member(payload, start ? "key_id" : "new_key_id");
  if (!key || !id || *id != hex(key->key_id())) {
    return broken(
        fmt::format("sequence {}: the key that {} announces is unreadable", e.seq, e.event_type));
  }
  if (!start) {
    const auto text = string_member(payload, "possession_sig");
    const auto blob = text ? parse_base64(*text) : std::nullopt;
    Signature signature{};
    if (!blob || blob->size() != signature.size()) {
      return broken(
          fmt::format("sequence {}: key.rotate lacks the new key's possession signature", e.seq));
    }
    std::copy(blob->begin(), blob->end(), signature.begin());
    const std::string claim =
        fmt::format("ransomeye.key-possession/1\n{}\n{}\n", uuid_text(e.identity.instance), *id);
    if (!key->verify(as_bytes(claim), signature)) {
      return broken(fmt::format("sequence {}: the new key did not sign its possession", e.seq));
    }
    rotation_pending_ = true;
  }
  announced_.push_back(*key);
  return {};
}

Result<void> ChainVerifier::resume(const Digest& last_hash, const MerkleTree& tree,
                                   std::string_view note) {
  if (trusted_.empty()) {
    return fail(Errc::usage,
                fmt::format("the events before sequence {} are no longer here, and with them the "
                            "announcement of the key: name it with --trust (`ransomeye-dpi keys "
                            "show --public`)",
                            tree.size()));
  }
  const auto checkpoint = parse_checkpoint(note);
  if (!checkpoint || checkpoint->tree_size != tree.size() || checkpoint->root != tree.root()) {
    return broken(
        fmt::format("before sequence {}: the state kept there is not what its checkpoint "
                    "signs",
                    tree.size()));
  }
  for (const PublicKey& key : trusted_)
    if (signed_by(*checkpoint, key)) announced_.push_back(key);
  if (announced_.empty()) {
    return broken(fmt::format("checkpoint over {} events is signed by no key of the trust file",
                              tree.size()));
  }
  last_hash_ = last_hash;
  tree_ = tree;
  report_.first_seq = report_.events = next_seq_ = tree.size();
  return {};
}

Result<void> ChainVerifier::skip_to(std::uint64_t seq, const Digest& last_hash) {
  if (trusted_.empty() && announced_.empty()) {
    return fail(Errc::usage,
                fmt::format("the events before sequence {} are no longer here, and with them the "
                            "announcement of the key: name it with --trust",
                            seq));
  }
  keys_before_ = !trusted_.empty();
  report_.skipped += seq - next_seq_;
  report_.events = next_seq_ = seq;
  last_hash_ = last_hash;
  tree_known_ = report_.proven = false;
  return {};
}

void ChainVerifier::continue_tree(const MerkleTree& tree) {
  if (tree_known_ || tree.size() != next_seq_) return;
  tree_ = tree;
  tree_known_ = true;
}

Result<void> ChainVerifier::add_event(std::string_view envelope,
                                      std::optional<std::string_view> payload) {
  const std::uint64_t expected = next_seq_;
  const auto e = parse_envelope(envelope);
  if (!e)
    return broken(fmt::format("sequence {}: the envelope is not canonical envelope v1", expected));
  if (auto linked = check_links(*e); !linked) return linked;
  if (auto committed = check_commitments(*e, payload); !committed) return committed;
  if (auto learnt = learn_key(*e, payload.value_or("")); !learnt) return learnt;
  last_hash_ = envelope_hash(envelope);
  if (tree_known_) {
    if (prover_ != nullptr) prover_->event(*e, envelope, payload.value_or(""), last_hash_, tree_);
    tree_.add(last_hash_);
  }
  last_ = *e;
  report_.events = ++next_seq_;
  report_.instance = e->identity.instance;
  return {};
}

Result<void> ChainVerifier::check_signers(std::string_view note) {
  const auto checkpoint = parse_checkpoint(note);
  if (keys_before_) {
    for (const PublicKey& key : trusted_)
      if (signed_by(*checkpoint, key)) announced_.push_back(key);
    keys_before_ = announced_.empty();
    if (keys_before_) {
      return broken(fmt::format("checkpoint over {} events is signed by no key of the trust file",
                                checkpoint->tree_size));
    }
  }
  if (announced_.empty()) return broken("the chain announces no key");
  const std::size_t needed = rotation_pending_ ? 2 : 1;
  for (std::size_t i = announced_.size() - std::min(needed, announced_.size());
       i < announced_.size(); ++i) {
    const PublicKey& key = announced_[i];
    if (!signed_by(*checkpoint, key)) {
      return broken(fmt::format("checkpoint over {} events is not signed by key {}",
                                checkpoint->tree_size, hex(key.key_id())));
    }
    if (!trusted_.empty() && !contains(trusted_, key)) {
      return broken(fmt::format("key {} is not in the trust file", hex(key.key_id())));
    }
    const Digest id = key.key_id();
    if (std::find(report_.key_ids.begin(), report_.key_ids.end(), id) == report_.key_ids.end()) {
      report_.key_ids.push_back(id);
    }
  }
  rotation_pending_ = false;
  return {};
}

Result<void> ChainVerifier::add_checkpoint(std::string_view note) {
  const auto checkpoint = parse_checkpoint(note);
  if (!checkpoint)
    return broken(fmt::format("after {} events: the checkpoint is not a signed note", next_seq_));
  if (!last_ ||
      checkpoint->origin != checkpoint_origin(last_->identity.instance, last_->component)) {
    return broken(fmt::format("checkpoint of {} stands in the chain of another instance",
                              checkpoint->origin));
  }
  if (checkpoint->tree_size != next_seq_) {
    return broken(
        fmt::format("a checkpoint over {} events stands after {}: events are missing or were added",
                    checkpoint->tree_size, next_seq_));
  }
  if (tree_known_ && checkpoint->root != tree_.root()) {
    return broken(fmt::format("checkpoint over {} events: the Merkle root differs from the events",
                              checkpoint->tree_size));
  }
  if (auto signers = check_signers(note); !signers) return signers;
  if (prover_ != nullptr && tree_known_) prover_->checkpoint(note);
  report_.proven = tree_known_;
  ++report_.checkpoints;
  report_.signed_events = checkpoint->tree_size;
  report_.root = checkpoint->root;
  report_.trusted = !trusted_.empty();
  return {};
}

Result<ChainReport> ChainVerifier::finish() const {
  if (report_.events == 0) return broken(std::string{no_event});
  if (report_.signed_events != report_.events) {
    return broken(fmt::format("{} events after the last checkpoint (over {}) are not signed",
                              report_.events - report_.signed_events, report_.signed_events));
  }
  return report_;
}

}  // namespace dpi
