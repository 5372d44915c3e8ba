#include "probe/app/version_text.h"

#include <fmt/format.h>

#include "capture/bpf_filter.h"
#include "probe/app/commit.h"
#include "probe/app/schema_bundle.h"
#include "probe/app/version.h"
#include "probe/classify/library_version.h"
#include "probe/crypto/digest.h"

namespace dpi {

std::string version_text() {
  return fmt::format(
      "ransomeye-dpi {}\n"
      "commit   {}\n"
      "schema   {} ({})\n"
      "nDPI     {}\n"
      "libpcap  {}\n"
      "OpenSSL  {}",
      probe_version, probe_commit, schema_bundle_version, hex(schema_bundle_sha256()),
      ndpi_library_version(), pcap_library_version(), openssl_version());
}

}  // namespace dpi
