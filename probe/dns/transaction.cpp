#include "probe/dns/transaction.h"

namespace dpi {

std::string_view name(DnsService service) noexcept {
  switch (service) {
    case DnsService::dns:
      return "dns";
    case DnsService::mdns:
      return "mdns";
    case DnsService::nbns:
      return "nbns";
    default:
      return "llmnr";
  }
}

std::string_view name(DnsTransport transport) noexcept {
  return transport == DnsTransport::udp ? "udp" : "tcp";
}

std::string_view name(DnsOutcome outcome) noexcept {
  switch (outcome) {
    case DnsOutcome::answered:
      return "answered";
    case DnsOutcome::unanswered:
      return "unanswered";
    case DnsOutcome::orphan:
      return "orphan";
    case DnsOutcome::multicast:
      return "multicast";
    default:
      return "malformed";
  }
}

}  // namespace dpi
