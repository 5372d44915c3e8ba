#include "capture/af_packet/tpacket_block.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "capture/native_bytes.h"

namespace dpi {

TpacketBlock::TpacketBlock(Bytes block) noexcept : block_(block) {
  const auto head = read_native<tpacket_hdr_v1>(block, offsetof(tpacket_block_desc, hdr));
  if (!head) return;
  left_ = head->num_pkts;
  offset_ = head->offset_to_first_pkt;
}

void TpacketBlock::give_up() noexcept {
  unreadable_ += left_;
  left_ = 0;
}

std::optional<RingFrame> TpacketBlock::next() noexcept {
  if (left_ == 0) return std::nullopt;
  const auto head = read_native<tpacket3_hdr>(block_, offset_);
  if (!head || head->tp_mac < sizeof(tpacket3_hdr) || head->tp_mac > block_.size() - offset_ ||
      head->tp_snaplen > block_.size() - offset_ - head->tp_mac) {
    give_up();
    return std::nullopt;
  }
  constexpr std::int64_t second_ns = 1'000'000'000;
  RingFrame frame;
  frame.data = block_.subspan(offset_ + head->tp_mac, head->tp_snaplen);
  frame.wire_bytes = head->tp_len;
  frame.time = timestamp(std::int64_t{head->tp_sec} * second_ns + std::int64_t{head->tp_nsec});
  frame.checksum_partial = (head->tp_status & TP_STATUS_CSUMNOTREADY) != 0;
  frame.vlan_stripped = (head->tp_status & TP_STATUS_VLAN_VALID) != 0;
  if (frame.vlan_stripped) {
    frame.vlan_tci = static_cast<std::uint16_t>(head->hv1.tp_vlan_tci);
    const bool tpid_known = (head->tp_status & TP_STATUS_VLAN_TPID_VALID) != 0;
    frame.vlan_tpid = tpid_known ? head->hv1.tp_vlan_tpid : std::uint16_t{ETH_P_8021Q};
  }
  // Forward only, so that a block of n bytes ends after at most n / header steps.
  --left_;
  if (left_ > 0 && (head->tp_next_offset < sizeof(tpacket3_hdr) ||
                    head->tp_next_offset > block_.size() - offset_)) {
    give_up();
  } else {
    offset_ += head->tp_next_offset;
  }
  return frame;
}

}  // namespace dpi
