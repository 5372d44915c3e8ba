// Any bytes as a DNS, mDNS, LLMNR or NetBIOS message: the offset of what is wrong lies in it, and
// its row is canonical JSON within the payload's limit.
#include <cstddef>
#include <cstdint>
#include <string>

#include "dissectors/dns/message.h"
#include "probe/base/check.h"
#include "probe/envelope/canonical.h"
#include "probe/envelope/envelope.h"
#include "probe/event/payloads.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const auto service = static_cast<dpi::DnsService>(data[0] % 4U);
  dpi::DnsMessage message = dpi::parse_dns({data + 1, size - 1}, service == dpi::DnsService::nbns
                                                                     ? dpi::DnsDialect::netbios
                                                                     : dpi::DnsDialect::dns);
  DPI_CHECK(!message.malformed || message.malformed_at <= size - 1);
  DPI_CHECK(!message.malformed || dpi::has(message.anomalies, message.malformed_reason));
  for (const dpi::DnsQuestion& q : message.questions) DPI_CHECK(dpi::is_canonical_text(q.name));
  for (const dpi::DnsRecord& r : message.records) {
    DPI_CHECK(dpi::is_canonical_text(r.name) && dpi::is_canonical_text(r.data));
  }
  dpi::DnsTransaction transaction;
  transaction.service = service;
  transaction.outcome = message.malformed ? dpi::DnsOutcome::malformed : dpi::DnsOutcome::answered;
  transaction.anomalies = message.anomalies;
  transaction.query = message;
  transaction.response = std::move(message);
  std::string payload;
  dpi::append_dns_payload(payload, transaction);
  DPI_CHECK(dpi::is_canonical_json(payload));
  DPI_CHECK(payload.size() <= dpi::payload_bytes_max);
  return 0;
}
