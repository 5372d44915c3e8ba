// Frame bytes → PacketView. Pure: no state, no clock, no allocation; bounded work per frame.
#pragma once

#include "dissectors/packet_view.h"
#include "probe/base/packet.h"

namespace dpi {

enum class DecodeOutcome : std::uint8_t {
  decoded,    // an IP header was reached; view is filled
  not_ip,     // well-formed, but no IP inside (ARP, STP, …)
  malformed,  // refused before an IP header; view.anomalies says why
};

struct DecodeOptions {
  // Count the outermost IP header: tunnels over IP are not opened.
  bool outermost_ip = false;
};

DecodeOutcome decode(const RawPacket& packet, PacketView& view,
                     const DecodeOptions& options = {}) noexcept;

// The transport header of a reassembled datagram: `l4` is what lies behind the IP header (IPv6: the
// fragment header) of `view`, its first piece, whose addresses stay. Tunnels inside are opened as
// in decode().
void decode_datagram(PacketView& view, Bytes l4, const DecodeOptions& options = {}) noexcept;

}  // namespace dpi
