// Any bytes as datagrams of DTLS and of Google's QUIC, and as a handshake message that comes whole
// or in fragments of any size from both ends: what it tells is the same.
#include <cstddef>
#include <cstdint>
#include <memory>

#include "dissectors/quic/gquic.h"
#include "probe/base/check.h"
#include "probe/metadata/dtls_session.h"
#include "tests/support/dtls.h"
#include "tests/support/stream_oracle.h"

namespace {

constexpr std::size_t memory_bytes = 1U << 20U;

std::string told(const dpi::AppMetadata& metadata) {
  return dpi::test::payload_of(dpi::Flow{}, &metadata);
}

// Fragments of `size` bytes; every second one first, from the end on.
std::string in_fragments(unsigned type, const dpi::ByteBuffer& body, std::size_t size) {
  dpi::StreamMemory memory(memory_bytes);
  dpi::AppMetadata metadata;
  {
    dpi::DtlsSession session(memory);
    dpi::AnomalySet found;
    const auto send = [&](std::size_t at) {
      (void)session.read(dpi::Side::low,
                         dpi::test::dtls_record(dpi::test::dtls_fragment(
                             type, 0, body, at, std::min(at + size, body.size()))),
                         metadata, found);
    };
    const std::size_t last = body.empty() ? 0 : (body.size() - 1) / size;
    for (std::size_t i = last + 1; i > 0; --i) {
      if (i % 2 == 0) send((i - 1) * size);
    }
    for (std::size_t i = 0; i <= last; i += 2) send(i * size);
  }
  DPI_CHECK(memory.used() == 0);
  return told(metadata);
}

void check_message(unsigned type, dpi::Bytes bytes) {
  const dpi::ByteBuffer body(bytes.begin(), bytes.end());
  const std::string whole = in_fragments(type, body, std::max<std::size_t>(body.size(), 1));
  for (const std::size_t size : {std::size_t{17}, std::size_t{100}}) {
    // More out of order than a stream keeps is given up.
    if (body.size() / size < 100) DPI_CHECK(in_fragments(type, body, size) == whole);
  }
}

// A length byte in front of each datagram.
void check_datagrams(dpi::Bytes bytes) {
  dpi::StreamMemory memory(memory_bytes);
  dpi::AppMetadata metadata;
  std::unique_ptr<dpi::DatagramReader> reader;
  dpi::AnomalySet found;
  dpi::ByteCursor in(bytes);
  for (unsigned n = 0; in.left() > 1; ++n) {
    const std::size_t length = std::min<std::size_t>(in.u8() * 4U, in.left());
    const dpi::Bytes datagram = in.take(length);
    if (const auto hello = dpi::parse_gquic_hello(datagram))
      DPI_CHECK(hello->server_name.size() <= datagram.size());
    if (!reader) reader = dpi::make_datagram_reader(datagram, memory);
    if (!reader) continue;
    const dpi::Side sender = n % 3 == 2 ? dpi::Side::high : dpi::Side::low;
    if (reader->read(sender, datagram, metadata, found) != dpi::ReadState::more) break;
  }
  (void)told(metadata);
  reader.reset();
  DPI_CHECK(memory.used() == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const dpi::Bytes bytes{data + 1, size - 1};
  switch (data[0] % 4U) {
    case 0:
      check_datagrams(bytes);
      break;
    case 1:
      check_message(1, bytes);
      break;
    case 2:
      check_message(2, bytes);
      break;
    default:
      check_message(11, bytes);
  }
  return 0;
}
