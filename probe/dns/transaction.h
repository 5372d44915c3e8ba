// A DNS exchange as one row: the query, its repetitions, and what answered it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "dissectors/dns/message.h"
#include "probe/base/time.h"
#include "probe/flow/flow_key.h"

namespace dpi {

enum class DnsService : std::uint8_t { dns, mdns, llmnr, nbns };
enum class DnsTransport : std::uint8_t { udp, tcp };
enum class DnsOutcome : std::uint8_t { answered, unanswered, orphan, multicast, malformed };

[[nodiscard]] std::string_view name(DnsService service) noexcept;
[[nodiscard]] std::string_view name(DnsTransport transport) noexcept;
[[nodiscard]] std::string_view name(DnsOutcome outcome) noexcept;

struct DnsTransaction {
  std::uint64_t number = 0;  // order of first messages
  Endpoint client;           // the one who asked
  Endpoint server;
  DnsTransport transport = DnsTransport::udp;
  DnsService service = DnsService::dns;
  DnsOutcome outcome = DnsOutcome::unanswered;
  std::uint64_t queries = 0;
  std::uint64_t responses = 0;
  std::optional<DnsMessage> query;     // the first
  std::optional<DnsMessage> response;  // the first
  Timestamp query_at{};
  Timestamp response_at{};
  Timestamp last_at{};
  AnomalySet anomalies;

  [[nodiscard]] const DnsMessage& message() const noexcept { return query ? *query : *response; }
};

class DnsObserver {
 public:
  virtual ~DnsObserver() = default;
  virtual void transaction_ended(const DnsTransaction& transaction) = 0;
};

}  // namespace dpi
