#include "dissectors/anomaly.h"

namespace dpi {
namespace {

constexpr std::array<std::string_view, anomaly_count> names{
    "capture_cut",
    "capture_damaged",
    "frame_empty",
    "frame_cut",
    "frame_time_odd",
    "link_type_unknown",
    "link_header_cut",
    "encapsulation_too_deep",
    "tunnel_header_invalid",
    "ip_version_invalid",
    "ip_header_cut",
    "ip_header_length_invalid",
    "ip_length_zero",
    "ip_length_exceeds_frame",
    "ip_length_below_header",
    "ipv6_extension_cut",
    "ipv6_extensions_too_many",
    "fragment_overlap",
    "fragment_incomplete",
    "fragment_oversize",
    "fragment_memory_full",
    "fragment_first_missing",
    "transport_header_cut",
    "tcp_header_length_invalid",
    "tcp_flags_invalid",
    "udp_length_invalid",
    "icmp_header_cut",
    "stream_memory_full",
    "stream_gap",
    "stream_overlap_differs",
    "tls_record_invalid",
    "tls_hello_invalid",
    "tls_hello_too_long",
    "tls_certificate_invalid",
    "quic_frame_invalid",
    "http_head_invalid",
    "http2_frame_invalid",
    "http2_head_too_long",
    "ssh_message_invalid",
    "ssh_message_too_long",
    "dns_header_cut",
    "dns_name_invalid",
    "dns_pointer_invalid",
    "dns_name_too_long",
    "dns_record_cut",
    "dns_rdata_invalid",
    "dns_trailing_bytes",
    "dns_records_omitted",
    "dns_table_full",
    "dns_question_mismatch",
};

}  // namespace

std::string_view anomaly_name(Anomaly anomaly) noexcept {
  return names[static_cast<std::size_t>(anomaly)];
}

}  // namespace dpi
