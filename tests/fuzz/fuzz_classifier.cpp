// Any conversation through nDPI behind our adapter, long payloads and datagrams put together from
// fragments among them: it ends within libFuzzer's time an input, touches nothing that is not its
// own, and its verdict is one that a row can hold. An input is a list of packets: a byte of flags,
// a byte that lengthens the payload, a byte of payload length, the payload.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "probe/base/byte_cursor.h"
#include "probe/base/check.h"
#include "probe/classify/classifier.h"

namespace {

constexpr std::array<std::uint16_t, 16> ports{53,   80,   443,  22,   25,   88,   123, 389,
                                              1900, 5060, 3478, 5353, 6881, 3389, 445, 40'001};
constexpr std::size_t packets_max = 40;
constexpr std::size_t transport_bytes_max = 65'515;  // behind an IPv4 header without options

std::unique_ptr<dpi::Classifier> classifier() {
  auto opened = dpi::open_ndpi_classifier({});
  DPI_CHECK(opened.has_value());
  return std::move(*opened);
}

void put16(dpi::ByteBuffer& out, std::size_t at, std::size_t value) {
  out[at] = static_cast<std::uint8_t>(value >> 8U);
  out[at + 1] = static_cast<std::uint8_t>(value & 0xffU);
}

// The payload again and again, up to 64 KiB in all: what a small input could not reach.
dpi::ByteBuffer transport(bool tcp, bool back, std::uint16_t port, dpi::Bytes payload,
                          std::size_t lengthened) {
  const std::size_t header = tcp ? 20 : 8;
  const std::size_t wanted = std::min(payload.size() + lengthened, transport_bytes_max - header);
  dpi::ByteBuffer out(header);
  put16(out, back ? 2 : 0, 40'000);
  put16(out, back ? 0 : 2, port);
  if (tcp) {
    out[12] = 0x50;
    out[13] = 0x18;
  }
  while (out.size() < header + wanted && !payload.empty()) {
    const std::size_t part = std::min(payload.size(), header + wanted - out.size());
    out.insert(out.end(), payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(part));
  }
  if (!tcp) put16(out, 4, out.size());
  return out;
}

dpi::ByteBuffer ip_packet(std::uint8_t protocol, bool back, const dpi::ByteBuffer& l4) {
  dpi::ByteBuffer out{0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2};
  if (back) std::swap(out[15], out[19]);
  put16(out, 2, out.size() + l4.size());
  out.insert(out.end(), l4.begin(), l4.end());
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::unique_ptr<dpi::Classifier> ndpi = classifier();
  dpi::ByteCursor in(dpi::Bytes{data, size});
  const std::uint8_t kind = in.u8();
  const bool tcp = (kind & 0x10U) != 0;
  const std::uint8_t protocol = tcp ? dpi::ip_protocol::tcp : dpi::ip_protocol::udp;
  dpi::Flow flow;
  flow.key.protocol = protocol;
  for (std::size_t n = 0; n < packets_max; ++n) {
    const std::uint8_t flags = in.u8();
    const std::uint8_t lengthened = in.u8();
    const std::uint8_t length = in.u8();
    const dpi::Bytes payload = in.take(std::min<std::size_t>(length, in.left()));
    if (payload.empty()) break;
    const bool back = (flags & 1U) != 0;
    // Most are short, so that most time goes to different ones.
    const std::size_t more =
        (flags & 0xfcU) == 0xfcU ? std::size_t{lengthened} * 257 : lengthened % 64U;
    const dpi::ByteBuffer l4 = transport(tcp, back, ports[kind & 15U], payload, more);
    const dpi::ByteBuffer packet = ip_packet(protocol, back, l4);
    dpi::PacketView view;
    view.ip_version = 4;
    view.protocol = protocol;
    view.has_transport = true;
    const bool whole_packet = (flags & 2U) == 0;  // else a datagram put together
    if (whole_packet) view.l3 = packet;
    view.l4 = whole_packet ? dpi::Bytes{packet}.subspan(20) : dpi::Bytes{l4};
    view.payload = view.l4.subspan(tcp ? 20 : 8);
    ndpi->inspect(flow, view, dpi::Timestamp{});
  }
  const dpi::Verdict verdict = ndpi->conclude(flow);
  DPI_CHECK(!verdict.app.empty() && !verdict.master.empty() && !verdict.category.empty() &&
            !verdict.confidence.empty());
  DPI_CHECK(std::is_sorted(verdict.risks.begin(), verdict.risks.end()));
  return 0;
}
