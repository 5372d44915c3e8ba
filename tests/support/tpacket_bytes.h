// Blocks of a TPACKET_V3 ring as the kernel would write them. Test code only.
#pragma once

#include <linux/if_packet.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "probe/base/bytes.h"

namespace dpi::test {

struct BlockFrame {
  ByteBuffer data;
  std::uint32_t wire_bytes = 0;  // 0: as captured
  std::uint32_t status = TP_STATUS_USER;
  std::uint16_t vlan_tci = 0;
  std::uint16_t vlan_tpid = 0;
  std::uint32_t seconds = 1;
  std::uint32_t nanoseconds = 2;
};

template <class T>
void put(ByteBuffer& bytes, std::size_t offset, const T& value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

// Where frame number n of the block begins, by the links between them.
inline std::size_t frame_offset(const ByteBuffer& block, std::size_t n) {
  tpacket_block_desc head{};
  std::memcpy(&head, block.data(), sizeof head);
  std::size_t at = head.hdr.bh1.offset_to_first_pkt;
  for (; n > 0; --n) {
    tpacket3_hdr frame{};
    std::memcpy(&frame, block.data() + at, sizeof frame);
    at += frame.tp_next_offset;
  }
  return at;
}

inline ByteBuffer tpacket_block(const std::vector<BlockFrame>& frames, std::size_t block_bytes) {
  ByteBuffer block(block_bytes, 0);
  tpacket_block_desc head{};
  head.version = 1;
  head.hdr.bh1.block_status = TP_STATUS_USER;
  head.hdr.bh1.num_pkts = static_cast<std::uint32_t>(frames.size());
  head.hdr.bh1.offset_to_first_pkt = sizeof head;
  put(block, 0, head);
  std::size_t at = sizeof head;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const BlockFrame& f = frames[i];
    tpacket3_hdr header{};
    header.tp_mac = TPACKET_ALIGN(sizeof(tpacket3_hdr) + sizeof(sockaddr_ll));
    header.tp_snaplen = static_cast<std::uint32_t>(f.data.size());
    header.tp_len = f.wire_bytes == 0 ? header.tp_snaplen : f.wire_bytes;
    header.tp_status = f.status;
    header.tp_sec = f.seconds;
    header.tp_nsec = f.nanoseconds;
    header.hv1.tp_vlan_tci = f.vlan_tci;
    header.hv1.tp_vlan_tpid = f.vlan_tpid;
    const std::size_t whole = TPACKET_ALIGN(header.tp_mac + f.data.size());
    if (i + 1 < frames.size()) header.tp_next_offset = static_cast<std::uint32_t>(whole);
    put(block, at, header);
    std::memcpy(block.data() + at + header.tp_mac, f.data.data(), f.data.size());
    at += whole;
  }
  return block;
}

}  // namespace dpi::test
