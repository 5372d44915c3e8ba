// The closed list of what malformed or unusual input can be. A named, counted fact, never an error:
// a packet may carry several, a flow collects those of its packets, a heartbeat the totals.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <string_view>

namespace dpi {

enum class Anomaly : std::uint8_t {
  // Capture files
  capture_cut,      // ends in the middle of a record
  capture_damaged,  // cannot be read on from some place in it
  // Frame and link
  frame_empty,     // no captured bytes at all
  frame_cut,       // shorter than on the wire (snap length)
  frame_time_odd,  // stamped far from its neighbours, whose time it took
  link_type_unknown,
  link_header_cut,
  encapsulation_too_deep,  // more than encapsulations_max; what was reached counts
  tunnel_header_invalid,   // a protocol number or EtherType says tunnel, its header otherwise
  // IP
  ip_version_invalid,
  ip_header_cut,
  ip_header_length_invalid,
  ip_length_zero,  // segmentation offload or jumbogram: counted to the end of the frame
  ip_length_exceeds_frame,
  ip_length_below_header,
  ipv6_extension_cut,
  ipv6_extensions_too_many,
  fragment_overlap,
  fragment_incomplete,  // its datagram was never completed
  fragment_oversize,    // offset + length beyond 65,535
  fragment_memory_full,
  fragment_first_missing,  // counted under ports 0
  // Transport
  transport_header_cut,
  tcp_header_length_invalid,
  tcp_flags_invalid,  // SYN with FIN or RST, no flag at all
  udp_length_invalid,
  icmp_header_cut,
  // Streams
  stream_memory_full,
  stream_gap,              // bytes that never came; too much came behind them to wait on
  stream_overlap_differs,  // overlapping segments with other bytes: the first copy counts
  // TLS, QUIC, HTTP, SSH: what began as one of them and then was not
  tls_record_invalid,
  tls_hello_invalid,
  tls_hello_too_long,  // than we keep
  tls_certificate_invalid,
  quic_frame_invalid,
  http_head_invalid,
  http2_frame_invalid,
  http2_head_too_long,  // than we keep
  ssh_message_invalid,
  ssh_message_too_long,  // than every implementation must take (RFC 4253 §6.1)
  // DNS
  dns_header_cut,
  dns_name_invalid,
  dns_pointer_invalid,  // forward, self or too many
  dns_name_too_long,
  dns_record_cut,
  dns_rdata_invalid,
  dns_trailing_bytes,
  dns_records_omitted,
  dns_table_full,
  dns_question_mismatch,  // a response with another question than its query
  count_,
};

inline constexpr std::size_t anomaly_count = static_cast<std::size_t>(Anomaly::count_);

// snake_case, as events and metrics carry it.
[[nodiscard]] std::string_view anomaly_name(Anomaly anomaly) noexcept;

using AnomalySet = std::bitset<anomaly_count>;

inline void add(AnomalySet& set, Anomaly anomaly) noexcept {
  set.set(static_cast<std::size_t>(anomaly));
}
[[nodiscard]] inline bool has(const AnomalySet& set, Anomaly anomaly) noexcept {
  return set[static_cast<std::size_t>(anomaly)];
}

// Totals since the start; owned and written by one thread.
struct AnomalyCounters {
  std::array<std::uint64_t, anomaly_count> counts{};

  void add(Anomaly anomaly, std::uint64_t times = 1) noexcept {
    counts[static_cast<std::size_t>(anomaly)] += times;
  }
  void add(const AnomalySet& set) noexcept {
    if (set.none()) return;
    for (std::size_t i = 0; i < anomaly_count; ++i) counts[i] += set[i] ? 1U : 0U;
  }
  AnomalyCounters& operator+=(const AnomalyCounters& other) noexcept {
    for (std::size_t i = 0; i < anomaly_count; ++i) counts[i] += other.counts[i];
    return *this;
  }
};

}  // namespace dpi
