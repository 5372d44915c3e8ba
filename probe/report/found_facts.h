// What the events of a run tell, added up: bounded, whatever they say.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "probe/export/exported_event.h"
#include "probe/report/tally.h"
#include "probe/report/traffic_bins.h"

namespace dpi {

// One record of a flow, as its row shows it.
struct FoundFlow {
  std::uint64_t seq = 0;
  std::uint64_t bytes = 0;
  std::uint64_t packets = 0;
  std::string start_at, from, to, transport, app, name, state, sha256;
};

struct FoundFacts {
  static constexpr std::size_t flows_max = 100;

  void add(const ExportedEvent& event);

  std::uint64_t flow_records = 0;
  std::uint64_t exchanges = 0;  // DNS
  std::uint64_t scans = 0;
  std::uint64_t packets = 0;  // of all flow records
  std::uint64_t bytes = 0;    // their IP bytes
  std::string first_at, last_at;
  TrafficBins traffic;
  Tally applications{1'000};
  Tally hosts{20'000};      // that opened flows
  Tally names{20'000};      // servers, as TLS, QUIC and HTTP name them
  Tally questions{20'000};  // names asked of DNS
  Tally outcomes{32};       // of DNS exchanges, with the response code
  Tally risks{200};
  Tally anomalies{200};            // of flow records and DNS exchanges
  std::vector<FoundFlow> largest;  // at most flows_max, the largest first
  // The members of the last heartbeat that say where packets went, in their order there.
  std::vector<std::pair<std::string, std::uint64_t>> ledger;
  std::string ndpi_version, probe_version, config_sha256, schema_sha256;

 private:
  void add_flow(const ExportedEvent& event);
  void add_exchange(const ExportedEvent& event);
  void add_heartbeat(const ExportedEvent& event);
  void note_times(std::string_view start, std::string_view end);
  void keep_if_large(FoundFlow flow);
};

}  // namespace dpi
