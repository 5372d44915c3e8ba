#include "probe/envelope/chain_verifier.h"

#include <fmt/format.h>

#include <algorithm>

#include "probe/crypto/digest.h"
#include "probe/envelope/checkpoint.h"
#include "probe/envelope/key_rotation.h"

namespace dpi {
namespace {

tl::unexpected<Error> broken(std::string what) {
  return fail(Errc::verification, std::move(what));
}

bool contains(const std::vector<PublicKey>& keys, const PublicKey& key) {
  return std::any_of(keys.begin(), keys.end(),
                     [&](const PublicKey& k) { return k.raw() == key.raw(); });
}

}  // namespace

ChainVerifier::ChainVerifier(std::vector<PublicKey> trusted, Revocations revoked)
    : trusted_(std::move(trusted)), revoked_(std::move(revoked)) {}

bool ChainVerifier::is_known(const PublicKey& key) const {
  return std::ranges::any_of(announced_,
                             [&](const AnnouncedKey& k) { return k.key.raw() == key.raw(); });
}

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
  if (e.event_type == "key.rotate") return hand_over(e, payload);
  if (!start) return {};
  const auto key = read_first_key(payload);
  if (!key) {
    return broken(
        fmt::format("sequence {}: the key that chain.start announces is unreadable", e.seq));
  }
  announced_.push_back({*key, e.seq});
  in_force_ = {*key};
  return {};
}

Result<void> ChainVerifier::hand_over(const Envelope& e, std::string_view payload) {
  const auto rotation = read_key_rotation(payload, e.identity.instance);
  if (!rotation) return broken(fmt::format("sequence {}: {}", e.seq, rotation.error().what));
  const auto old = std::ranges::find_if(
      in_force_, [&](const PublicKey& key) { return key.key_id() == rotation->old_key_id; });
  if (old == in_force_.end()) {
    return broken(
        fmt::format("sequence {}: key.rotate replaces key {}, which is not in force there", e.seq,
                    hex(rotation->old_key_id)));
  }
  if (is_known(rotation->next) || rotation->next.raw() == old->raw()) {
    return broken(
        fmt::format("sequence {}: key.rotate goes back to key {}: one that was replaced "
                    "does not come back",
                    e.seq, hex(rotation->next.key_id())));
  }
  if (const auto revoked = revoked_.from(rotation->old_key_id); revoked && e.seq >= *revoked) {
    return broken(
        fmt::format("sequence {}: key {} hands over, which is revoked from sequence {} on", e.seq,
                    hex(rotation->old_key_id), *revoked));
  }
  if (!is_known(*old)) announced_.push_back({*old, std::nullopt});
  std::ranges::find_if(announced_, [&](const AnnouncedKey& key) {
    return key.key.raw() == old->raw();
  })->replaced_at = e.seq;
  replaced_.push_back(*old);
  announced_.push_back({rotation->next, e.seq});
  in_force_ = {rotation->next};
  signer_unknown_ = false;
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
  in_force_ = trusted_;
  signer_unknown_ = true;
  if (auto found = find_signers(*checkpoint); !found) return found;
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
  if (!trusted_.empty()) {
    in_force_ = trusted_;
    replaced_.clear();  // the checkpoint that they sign may be among what is not here
    signer_unknown_ = true;
  }
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

// Which of the trusted keys signs here. Both of a rotation may; then the next signature tells.
Result<void> ChainVerifier::find_signers(const Checkpoint& checkpoint) {
  std::erase_if(in_force_, [&](const PublicKey& key) { return !signed_by(checkpoint, key); });
  if (in_force_.empty()) {
    return broken(fmt::format("checkpoint over {} events is signed by no key of the trust file",
                              checkpoint.tree_size));
  }
  for (const PublicKey& key : in_force_) {
    if (auto in_force = revoked_.require_in_force(key, checkpoint.tree_size); !in_force)
      return in_force;
    if (!is_known(key)) announced_.push_back({key, std::nullopt});
  }
  signer_unknown_ = in_force_.size() > 1;
  return {};
}

Result<void> ChainVerifier::check_signers(const Checkpoint& checkpoint) {
  if (signer_unknown_) {
    if (auto found = find_signers(checkpoint); !found) return found;
  }
  if (in_force_.empty()) return broken("the chain announces no key");
  std::vector<PublicKey> signers = replaced_;
  signers.insert(signers.end(), in_force_.begin(), in_force_.end());
  for (const PublicKey& key : signers) {
    if (!signed_by(checkpoint, key)) {
      return broken(fmt::format("checkpoint over {} events is not signed by key {}",
                                checkpoint.tree_size, hex(key.key_id())));
    }
    if (auto in_force = revoked_.require_in_force(key, checkpoint.tree_size); !in_force)
      return in_force;
    if (!trusted_.empty() && !contains(trusted_, key)) {
      // The ones before it in this list signed too: what they hand over to is trusted as they are.
      const bool handed_over = &key != &signers.front() && !replaced_.empty();
      if (!handed_over)
        return broken(fmt::format("key {} is not in the trust file", hex(key.key_id())));
      trusted_.push_back(key);
    }
    const Digest id = key.key_id();
    if (std::find(report_.key_ids.begin(), report_.key_ids.end(), id) == report_.key_ids.end()) {
      report_.key_ids.push_back(id);
    }
  }
  replaced_.clear();
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
  if (auto signers = check_signers(*checkpoint); !signers) return signers;
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
