// Any bytes as a configuration file: refused with a place, or read; what is read and shown reads
// the same again.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "probe/app/config.h"
#include "probe/base/bytes.h"
#include "probe/base/check.h"

namespace {

dpi::Result<dpi::Config> load(dpi::Bytes bytes) {
  const int fd = ::memfd_create("config", MFD_CLOEXEC);
  DPI_CHECK(fd >= 0);
  DPI_CHECK(::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  auto config = dpi::load_config("/proc/self/fd/" + std::to_string(fd), {});
  ::close(fd);
  return config;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto config = load({data, size});
  if (!config) {
    DPI_CHECK(!config.error().what.empty());
    return 0;
  }
  const std::string shown = dpi::show_config(*config);
  const auto again = load(dpi::as_bytes(shown));
  DPI_CHECK(again.has_value() && dpi::show_config(*again) == shown);
  return 0;
}
