// Any bytes as one direction of HTTP/1 or, behind a preface, of HTTP/2.
#include <cstddef>
#include <cstdint>

#include "dissectors/http/http1.h"
#include "dissectors/http/http2.h"
#include "tests/support/stream_oracle.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const dpi::Bytes bytes{data + 1, size - 1};
  dpi::ByteBuffer stream;
  const auto begin = [&](std::string_view text) { stream.assign(text.begin(), text.end()); };
  switch (data[0] % 4U) {
    case 0:
      break;
    case 1:
      begin(dpi::http2_preface);
      break;
    case 2:
      begin("GET / HTTP/1.1\r\n");
      break;
    default:
      begin("HTTP/1.1 ");
  }
  stream.insert(stream.end(), bytes.begin(), bytes.end());
  dpi::test::check_segmentation(stream);
  return 0;
}
