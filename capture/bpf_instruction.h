// One instruction of classic BPF, laid out as the kernel's struct sock_filter.
#pragma once

#include <cstdint>
#include <vector>

namespace dpi {

struct BpfInstruction {
  std::uint16_t code = 0;
  std::uint8_t jump_true = 0;   // instructions to skip
  std::uint8_t jump_false = 0;  // instructions to skip
  std::uint32_t k = 0;
  bool operator==(const BpfInstruction&) const = default;
};

using BpfProgram = std::vector<BpfInstruction>;

// Most instructions that the kernel takes (BPF_MAXINSNS).
inline constexpr std::size_t bpf_instructions_max = 4096;

}  // namespace dpi
