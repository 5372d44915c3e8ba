#include "dissectors/tls/handshake.h"
#include "dissectors/tls/ssl2.h"
#include "probe/base/byte_cursor.h"
#include "probe/metadata/handshake_reader.h"
#include "probe/metadata/stream_reader.h"

namespace dpi {
namespace {

constexpr std::uint8_t alert_warning = 1;

// Records → handshake messages (RFC 5246 §6.2.1: a message may lie in several records).
class TlsReader final : public StreamReader {
 public:
  explicit TlsReader(StreamMemory& memory) noexcept
      : messages_(memory, handshake_bytes_max), reader_(TlsCarrier::stream) {
    messages_.start(0);
  }

  ReadState read(ByteStream& stream, AppMetadata& metadata, AnomalySet& found) override {
    // Asked once: what told TLS by this form was all of its header.
    if (!begun_) ssl2_bytes_ = ssl2_hello_bytes(stream.readable());
    begun_ = true;
    if (ssl2_bytes_ != 0) return read_ssl2(stream.readable(), metadata);
    while (true) {
      if (left_ == 0) {
        const ReadState outcome = next_record(stream, found);
        if (outcome != ReadState::more || left_ == 0) return outcome;
      }
      const Bytes readable = stream.readable();
      if (readable.empty()) return ReadState::more;
      const Bytes part = readable.first(std::min<std::size_t>(left_, readable.size()));
      left_ -= part.size();
      if (!skip_) {
        found |= messages_.add(position_, part);
        position_ += static_cast<std::uint32_t>(part.size());
      }
      stream.consume(part.size());
      if (messages_.gave_up()) return ReadState::failed;
      const ReadState outcome = skip_ ? ReadState::more : reader_.read(messages_, metadata, found);
      if (outcome != ReadState::more) return outcome;
    }
  }

  void conclude(AppMetadata& metadata) const override {
    reader_.look_at_part(messages_.readable(), metadata);
  }
  [[nodiscard]] std::size_t memory_bytes() const noexcept override { return sizeof *this; }

 private:
  // The first message in the form of SSL 2.0; what the client says behind it is no hello.
  ReadState read_ssl2(Bytes readable, AppMetadata& metadata) const {
    if (readable.size() < ssl2_bytes_) return ReadState::more;
    const auto hello = parse_ssl2_client_hello(readable.first(ssl2_bytes_));
    if (hello) reader_.take_client_hello(*hello, metadata);
    return ReadState::done;
  }

  // more with left_ > 0: a record begins.
  ReadState next_record(ByteStream& stream, AnomalySet& found) {
    while (left_ == 0) {
      const Bytes readable = stream.readable();
      if (readable.size() < tls_record_header_bytes) return ReadState::more;
      const auto header = parse_tls_record_header(readable);
      if (!header) {
        add(found, Anomaly::tls_record_invalid);
        return ReadState::failed;
      }
      if (header->content != TlsContent::handshake && !may_pass(*header, readable)) {
        return header->content == TlsContent::alert && readable.size() <= tls_record_header_bytes
                   ? ReadState::more
                   : ReadState::done;
      }
      skip_ = header->content != TlsContent::handshake;
      left_ = header->length;
      stream.consume(tls_record_header_bytes);
    }
    return ReadState::more;
  }

  // A warning may come before a hello (RFC 6066 §3), and a change of cipher behind a
  // HelloRetryRequest (RFC 8446 §D.4); else what is no handshake ends the plain text.
  [[nodiscard]] bool may_pass(const TlsRecordHeader& header, Bytes readable) const noexcept {
    if (header.content == TlsContent::change_cipher_spec) return reader_.retry_requested();
    return header.content == TlsContent::alert && header.length == 2 &&
           readable.size() > tls_record_header_bytes &&
           readable[tls_record_header_bytes] == alert_warning;
  }

  ByteStream messages_;
  HandshakeReader reader_;
  bool begun_ = false;
  std::size_t ssl2_bytes_ = 0;  // of a hello in the form of SSL 2.0
  std::size_t left_ = 0;        // of the record being read
  std::uint32_t position_ = 0;
  bool skip_ = false;
};

}  // namespace

std::unique_ptr<StreamReader> make_tls_reader(StreamMemory& memory) {
  return std::make_unique<TlsReader>(memory);
}

}  // namespace dpi
