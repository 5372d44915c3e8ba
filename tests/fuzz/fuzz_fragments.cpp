// Fragments in any order, overlapping, of several datagrams: each one is counted exactly once, and
// what is put together never exceeds what was sent. Eight bytes a fragment: datagram, offset (two),
// length, flags, milliseconds (two), fill.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "probe/base/byte_cursor.h"
#include "probe/base/check.h"
#include "probe/flow/fragment_table.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  dpi::FragmentTable table({.datagrams_max = 8, .bytes_max = 4096, .held_max = 16});
  dpi::ByteCursor in{dpi::Bytes{data, size}};
  std::int64_t now_ms = 0;
  std::size_t sent = 0;
  std::size_t counted = 0;
  while (in.left() >= 8 && sent < 2000) {
    dpi::PacketView view;
    view.ip_version = 4;
    view.protocol = dpi::ip_protocol::udp;
    view.fragment.id = in.u8() % 12U;
    const std::uint32_t offset = in.be16();
    const std::size_t length = in.u8();
    const std::uint8_t flags = in.u8();
    now_ms += in.be16();
    const dpi::ByteBuffer bytes(length, in.u8());
    view.fragment.present = true;
    view.fragment.more = (flags & 1U) != 0;
    view.fragment.offset_bytes = offset % 8192U * 8U;
    view.fragment.protocol = view.protocol;
    view.fragment.data = bytes;
    view.fragment.bytes = static_cast<std::uint32_t>(length + (flags >> 7U));  // sometimes cut
    view.src_port = flags & 6U;
    view.has_transport = view.fragment.offset_bytes == 0;
    const dpi::Timestamp now = dpi::timestamp(now_ms * 1'000'000);
    counted += table.expire(now).size();
    const dpi::FragmentOutcome outcome = table.add(view, now);
    ++sent;
    counted += outcome.released.size() + outcome.given_up.size() + (outcome.ports ? 1U : 0U);
    if (outcome.datagram != nullptr) DPI_CHECK(outcome.datagram->l4.size() <= 65'535);
  }
  counted += table.finish().size();
  DPI_CHECK(counted == sent);
  return 0;
}
