#include "probe/app/running_software.h"

#include <sys/utsname.h>

#include <array>
#include <fstream>

#include "capture/bpf_filter.h"
#include "probe/crypto/digest.h"

namespace dpi {
namespace {

std::string kernel_release() {
  utsname names{};
  return ::uname(&names) == 0 ? std::string{names.release} : std::string{};
}

std::optional<Digest> sha256_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  Sha256 hash;
  std::array<char, 65536> part{};
  while (file.read(part.data(), part.size()) || file.gcount() > 0)
    hash.update(as_bytes(std::string_view{part.data(), static_cast<std::size_t>(file.gcount())}));
  if (file.bad()) return std::nullopt;
  return hash.finish();
}

}  // namespace

Software running_software(const std::string& ndpi_library) {
  return {
      .libpcap_version = libpcap_version(),
      .openssl_version = openssl_version(),
      .kernel_version = kernel_release(),
      .build_sha256 = sha256_of_file("/proc/self/exe"),
      .ndpi_library_sha256 = ndpi_library.empty() ? std::nullopt : sha256_of_file(ndpi_library)};
}

}  // namespace dpi
