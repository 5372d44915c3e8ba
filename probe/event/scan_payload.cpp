#include <array>

#include "probe/envelope/canonical_writer.h"
#include "probe/event/scan.h"

namespace dpi {

std::string_view scan_kind_name(ScanKind kind) noexcept {
  constexpr std::array<std::string_view, 3> names{"source", "target", "any"};
  return names[static_cast<std::size_t>(kind)];
}

void append_scan_payload(std::string& out, const ScanFacts& f) {
  CanonicalWriter w(out);
  w.begin_object();
  if (f.kind == ScanKind::target) w.member("dst_ip", f.who);
  w.member("first_at", f.first_at);
  w.member("flows", f.flows);
  w.member("ip_bytes", f.ip_bytes);
  w.member("kind", scan_kind_name(f.kind));
  w.member("last_at", f.last_at);
  w.member("protocol", f.protocol);
  w.key("samples");
  w.begin_array();
  for (const ScanFacts::Sample& sample : f.samples) {
    w.begin_object();
    w.member("ip", sample.address);
    w.member("port", sample.port);
    w.end_object();
  }
  w.end_array();
  if (f.kind == ScanKind::source) w.member("src_ip", f.who);
  w.end_object();
}

}  // namespace dpi
