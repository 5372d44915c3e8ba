// Runs a classic BPF program as the kernel does, on a packet whose network header begins at its
// first byte (as a fanout program sees a received one). Test code only.
#pragma once

#include <linux/filter.h>

#include <array>
#include <cstdint>
#include <optional>

#include "capture/bpf_instruction.h"
#include "probe/base/bytes.h"

namespace dpi::test {

struct KernelPacket {
  Bytes data{};                   // from the network header, or from the link header when outgoing
  std::uint16_t protocol = 0;     // ethertype behind the tag that the kernel took off
  std::uint32_t packet_type = 0;  // PACKET_HOST; 4 is PACKET_OUTGOING
  std::uint32_t network_offset = 0;
  bool tag_present = false;
};

class BpfMachine {
 public:
  // 0 when a load leaves the packet, as in the kernel; nothing when the program is not valid.
  static std::optional<std::uint32_t> run(const BpfProgram& program, const KernelPacket& packet) {
    BpfMachine machine{packet};
    for (std::size_t at = 0; at < program.size(); ++at) {
      const BpfInstruction& i = program[at];
      if (BPF_CLASS(i.code) == BPF_RET)
        return machine.failed_ ? 0 : (BPF_RVAL(i.code) == BPF_A ? machine.a_ : i.k);
      if (BPF_CLASS(i.code) == BPF_JMP) {
        at += machine.jump(i);
      } else if (!machine.step(i)) {
        return std::nullopt;
      }
      if (machine.failed_) return 0;
    }
    return std::nullopt;
  }

 private:
  explicit BpfMachine(const KernelPacket& packet) : packet_(packet) {}

  std::size_t jump(const BpfInstruction& i) const {
    if (BPF_OP(i.code) == BPF_JA) return i.k;
    const std::uint32_t with = BPF_SRC(i.code) == BPF_X ? x_ : i.k;
    bool taken = false;
    if (BPF_OP(i.code) == BPF_JEQ) taken = a_ == with;
    if (BPF_OP(i.code) == BPF_JGT) taken = a_ > with;
    if (BPF_OP(i.code) == BPF_JGE) taken = a_ >= with;
    if (BPF_OP(i.code) == BPF_JSET) taken = (a_ & with) != 0;
    return taken ? i.jump_true : i.jump_false;
  }

  bool step(const BpfInstruction& i) {
    switch (BPF_CLASS(i.code)) {
      case BPF_LD:
        return load(i);
      case BPF_LDX:
        if (BPF_MODE(i.code) == BPF_MEM) return from_cell(i.k, x_);
        if (BPF_MODE(i.code) == BPF_MSH) {
          x_ = packet_bytes(i.k, 1);
          x_ = (x_ & 0xFU) * 4;
          return true;
        }
        x_ = i.k;
        return BPF_MODE(i.code) == BPF_IMM;
      case BPF_ST:
        return to_cell(i.k, a_);
      case BPF_STX:
        return to_cell(i.k, x_);
      case BPF_ALU:
        return alu(i);
      case BPF_MISC:
        (BPF_MISCOP(i.code) == BPF_TAX ? x_ : a_) = BPF_MISCOP(i.code) == BPF_TAX ? a_ : x_;
        return true;
      default:
        return false;
    }
  }

  bool load(const BpfInstruction& i) {
    const unsigned size = BPF_SIZE(i.code) == BPF_W ? 4 : BPF_SIZE(i.code) == BPF_H ? 2 : 1;
    switch (BPF_MODE(i.code)) {
      case BPF_IMM:
        a_ = i.k;
        return true;
      case BPF_MEM:
        return from_cell(i.k, a_);
      case BPF_LEN:
        a_ = static_cast<std::uint32_t>(packet_.data.size());
        return true;
      case BPF_IND:
        a_ = packet_bytes(x_ + i.k, size);
        return true;
      case BPF_ABS:
        if (i.k == static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_PROTOCOL)) {
          a_ = packet_.protocol;
        } else if (i.k == static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_PKTTYPE)) {
          a_ = packet_.packet_type;
        } else if (i.k == static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT)) {
          a_ = packet_.tag_present ? 1 : 0;
        } else {
          a_ = packet_bytes(i.k, size);
        }
        return true;
      default:
        return false;
    }
  }

  std::uint32_t packet_bytes(std::uint32_t offset, unsigned size) {
    auto at = static_cast<std::int64_t>(static_cast<std::int32_t>(offset));
    if (at < 0) at = at - SKF_NET_OFF + packet_.network_offset;
    if (at < 0 || at + size > static_cast<std::int64_t>(packet_.data.size())) {
      failed_ = true;
      return 0;
    }
    std::uint32_t value = 0;
    for (const std::uint8_t byte : packet_.data.subspan(static_cast<std::size_t>(at), size))
      value = value << 8U | byte;
    return value;
  }

  bool alu(const BpfInstruction& i) {
    const std::uint32_t with = BPF_SRC(i.code) == BPF_X ? x_ : i.k;
    switch (BPF_OP(i.code)) {
      case BPF_ADD:
        a_ += with;
        return true;
      case BPF_SUB:
        a_ -= with;
        return true;
      case BPF_MUL:
        a_ *= with;
        return true;
      case BPF_AND:
        a_ &= with;
        return true;
      case BPF_OR:
        a_ |= with;
        return true;
      case BPF_XOR:
        a_ ^= with;
        return true;
      case BPF_LSH:
        a_ <<= with;
        return true;
      case BPF_RSH:
        a_ >>= with;
        return true;
      default:
        return false;
    }
  }

  // The kernel refuses programs that read a cell before they write it.
  bool from_cell(std::uint32_t k, std::uint32_t& to) {
    if (k >= cells_.size() || !cells_[k]) return false;
    to = *cells_[k];
    return true;
  }
  bool to_cell(std::uint32_t k, std::uint32_t from) {
    if (k >= cells_.size()) return false;
    cells_[k] = from;
    return true;
  }

  KernelPacket packet_;
  std::uint32_t a_ = 0;
  std::uint32_t x_ = 0;
  std::array<std::optional<std::uint32_t>, BPF_MEMWORDS> cells_;
  bool failed_ = false;
};

}  // namespace dpi::test
