#include "probe/envelope/sealer.h"

#include <algorithm>
#include <utility>

#include "probe/base/check.h"
#include "probe/crypto/digest.h"
#include "probe/envelope/checkpoint.h"

namespace dpi {

Sealer::Sealer(Identity identity, SigningKey key, ChainHead head)
    : key_(std::move(key)), head_(std::move(head)) {
  envelope_.identity = std::move(identity);
}

std::string_view Sealer::seal(const EncodedEvent& event, const SealTime& time) {
  DPI_CHECK(event.payload.size() >= 2 && event.payload.size() <= payload_bytes_max);
  Envelope& e = envelope_;
  e.emitted_at = time.emitted_at;
  e.event_type = event.type;
  e.event_version = event.version;
  e.mono_us = std::max(e.mono_us, time.mono_us);
  e.observed_at = event.observed_at;
  e.payload_bytes = event.payload.size();
  e.payload_sha256 = sha256({as_bytes(event.payload)});
  e.prev_hash = head_.last_hash;
  e.seq = next_seq();
  e.event_id = make_event_id(e.identity.instance, e.seq, event.observed_at, e.payload_sha256);
  buffer_.clear();
  append_envelope(buffer_, e);
  DPI_CHECK(buffer_.size() <= envelope_bytes_max);
  head_.last_hash = envelope_hash(buffer_);
  head_.tree.add(head_.last_hash);
  return buffer_;
}

std::string Sealer::checkpoint() {
  std::string note =
      sign_checkpoint(identity().instance, head_.tree.size(), head_.tree.root(), key_);
  if (replaced_) note = cosign_checkpoint(std::move(note), *replaced_);
  replaced_.reset();
  return note;
}

void Sealer::rotate_key(SigningKey next) {
  DPI_CHECK(!replaced_);
  replaced_ = std::exchange(key_, std::move(next));
}

}  // namespace dpi
