// Who began a conversation, and how we know: evidence of one packet, strongest first.
#pragma once

#include <cstdint>
#include <string_view>

#include "dissectors/packet_view.h"

namespace dpi {

enum class Orientation : std::uint8_t {
  syn,
  syn_ack,
  dns_qr,
  tls_hello,
  http,
  icmp_type,
  service_port,
  multicast,
  first_packet,
};
[[nodiscard]] std::string_view orientation_name(Orientation orientation) noexcept;

struct OrientationEvidence {
  Orientation method = Orientation::first_packet;
  bool sender_initiates = true;
};

// The strongest evidence in this packet; at least first_packet.
[[nodiscard]] OrientationEvidence orientation_of(const PacketView& view);

}  // namespace dpi
