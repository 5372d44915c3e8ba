#include "probe/envelope/sealer.h"

#include <algorithm>

#include "probe/base/check.h"
#include "probe/crypto/digest.h"
#include "probe/envelope/checkpoint.h"

namespace dpi {

Sealer::Sealer(Identity identity, SigningKey key, ChainHead head)
    : identity_(std::move(identity)), key_(std::move(key)), head_(std::move(head)) {}

std::string_view Sealer::seal(const EncodedEvent& event, const SealTime& time) {
  DPI_CHECK(event.payload.size() >= 2 && event.payload.size() <= payload_bytes_max);
  mono_us_last_ = std::max(mono_us_last_, time.mono_us);
  Envelope envelope;
  envelope.identity = identity_;
  envelope.emitted_at = time.emitted_at;
  envelope.event_type = event.type;
  envelope.event_version = event.version;
  envelope.mono_us = mono_us_last_;
  envelope.observed_at = event.observed_at;
  envelope.payload_bytes = event.payload.size();
  envelope.payload_sha256 = sha256({as_bytes(event.payload)});
  envelope.prev_hash = head_.last_hash;
  envelope.seq = next_seq();
  envelope.event_id =
      make_event_id(identity_.instance, envelope.seq, event.observed_at, envelope.payload_sha256);
  buffer_.clear();
  append_envelope(buffer_, envelope);
  DPI_CHECK(buffer_.size() <= envelope_bytes_max);
  head_.last_hash = envelope_hash(buffer_);
  head_.tree.add(head_.last_hash);
  return buffer_;
}

std::string Sealer::checkpoint() const {
  return sign_checkpoint(identity_.instance, head_.tree.size(), head_.tree.root(), key_);
}

}  // namespace dpi
