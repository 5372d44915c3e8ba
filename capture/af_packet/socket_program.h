// The classic-BPF programs that a packet socket runs in the kernel. CAP_NET_RAW is enough for them.
#pragma once

#include <cstdint>

#include "capture/bpf_instruction.h"

namespace dpi {

// Accepts nothing: the gate before capture begins.
inline constexpr BpfInstruction gate_instruction{.code = 0x06, .k = 0};  // BPF_RET | BPF_K

// What a socket runs while it captures: no frame that this host sends when ignore_outgoing, then
// the filter (empty: everything). The filter knows frames as they were on the wire, but the kernel
// has taken the VLAN tag off; with tagged_pass such frames skip it and the reader decides.
// snap_bytes of what passes are kept.
[[nodiscard]] BpfProgram capture_program(const BpfProgram& filter, std::uint32_t snap_bytes,
                                         bool ignore_outgoing, bool tagged_pass);

// For PACKET_FANOUT_CBPF: a number from the unordered pair of the outermost IP addresses, behind up
// to two tags in the frame, PPPoE or up to four MPLS labels; 0 for everything else. Directions,
// fragments and IPv6 flow labels change nothing (docs/decisions/0006-fanout.md).
[[nodiscard]] BpfProgram fanout_program();

}  // namespace dpi
