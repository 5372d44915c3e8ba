// Any bytes as a ClientHello, a ServerHello, a certificate or a stream of records.
#include <cstddef>
#include <cstdint>

#include "dissectors/tls/certificate.h"
#include "dissectors/tls/fingerprint.h"
#include "dissectors/tls/handshake.h"
#include "tests/support/stream_oracle.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const dpi::Bytes bytes{data + 1, size - 1};
  switch (data[0] % 4U) {
    case 0:
      if (const auto hello = dpi::parse_client_hello(bytes)) {
        DPI_CHECK(!dpi::ja3_text(*hello).empty());
        DPI_CHECK(dpi::ja4_parts(*hello, dpi::TlsCarrier::quic).head.size() == 10);
        DPI_CHECK(hello->server_name.size() + hello->ciphers.size() * 2 <= bytes.size());
      }
      break;
    case 1:
      if (const auto hello = dpi::parse_server_hello(bytes))
        DPI_CHECK(!dpi::ja3s_text(*hello).empty());
      break;
    case 2:
      if (const auto facts = dpi::parse_certificate(bytes)) {
        // An escape, an OID in decimal or a byte in hexadecimal take at most so much room.
        DPI_CHECK(facts->subject.size() + facts->issuer.size() <= 32 * bytes.size());
      }
      break;
    default:
      dpi::test::check_segmentation(bytes);
  }
  return 0;
}
