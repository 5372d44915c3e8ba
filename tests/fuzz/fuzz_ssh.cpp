// Any bytes as one direction of SSH, from the identification line or from the first packet on.
#include <cstddef>
#include <cstdint>

#include "dissectors/ssh/ssh.h"
#include "tests/support/stream_oracle.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const dpi::Bytes bytes{data + 1, size - 1};
  if (const auto kexinit = dpi::parse_ssh_kexinit(bytes)) {
    DPI_CHECK(kexinit->client_to_server.size() <= bytes.size() + 3);
    DPI_CHECK(kexinit->server_to_client.size() <= bytes.size() + 3);
  }
  constexpr std::string_view line = "SSH-2.0-x\r\n";
  dpi::ByteBuffer stream(line.begin(), (data[0] & 1U) == 0 ? line.begin() : line.end());
  stream.insert(stream.end(), bytes.begin(), bytes.end());
  dpi::test::check_segmentation(stream);
  return 0;
}
