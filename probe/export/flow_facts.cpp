#include "probe/export/flow_facts.h"

namespace dpi {

FlowFacts flow_facts(const ExportedEvent& event) {
  const auto has = [&](std::string_view name) { return event.member(name) != nullptr; };
  FlowFacts facts;
  facts.http = has("http_method") || has("http_status");
  facts.ssh = has("ssh_client") || has("ssh_server") || has("hassh") || has("hassh_server");
  facts.tls = has("tls_version") || has("ja3") || has("ja3s") || has("ja4") || has("cert_sha256") ||
              ((has("server_name") || has("alpn")) && !facts.http);
  facts.quic = facts.tls &&
               (event.text("ja4").starts_with('q') || event.text("tls_version").starts_with('Q') ||
                event.text("app_master") == "QUIC");
  return facts;
}

}  // namespace dpi
