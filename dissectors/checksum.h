// The Internet checksum (RFC 1071) of a decoded packet.
#pragma once

#include "dissectors/packet_view.h"

namespace dpi {

// One's complement sum of 16-bit words in the byte order of this machine, an odd last byte with a
// zero behind it. A region with its checksum in it sums to 0xffff when that is right. Order of
// bytes makes no difference to that (RFC 1071 §2).
[[nodiscard]] std::uint16_t ones_complement_sum(Bytes bytes, std::uint64_t start = 0) noexcept;

// Of the counted IP header: wrong when the header's own (IPv4) is, or that of TCP or UDP where all
// of it was captured, it is no fragment, and no option or extension header may give it another
// destination than the header's; right when TCP's or UDP's was looked at, too.
[[nodiscard]] Checksum checksum_of(const PacketView& view) noexcept;

// Of TCP or UDP alone, under the same conditions.
[[nodiscard]] Checksum transport_checksum(const PacketView& view) noexcept;

}  // namespace dpi
