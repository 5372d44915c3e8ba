#include "capture/pcap_reader.h"

#include <array>
#include <string>
#include <utility>

#include "probe/base/byte_cursor.h"

namespace dpi {

std::optional<PcapReader::Variant> PcapReader::find_variant(std::uint32_t magic,
                                                            ByteOrder order) noexcept {
  switch (magic) {
    case 0xA1B2C3D4:
      return Variant{.order = order};
    case 0xA1B23C4D:
      return Variant{.order = order, .nanoseconds_per_tick = 1};
    case 0xA1B2CD34:  // Kuznetzov: interface index, protocol and packet type behind the lengths
      return Variant{.order = order, .record_header_bytes = 24};
    case 0x1C0001AC:  // Ixia lcap, from hardware and from software: 4 bytes of data size behind the
                      // header
    case 0x1C0001AB:
      return Variant{.order = order, .file_header_bytes = 28};
    default:
      return std::nullopt;
  }
}

std::unique_ptr<RecordReader> PcapReader::make(Bytes beginning, RecordBuffer& buffer) {
  auto variant = find_variant(ByteCursor{beginning}.le32(), ByteOrder::little);
  if (!variant) variant = find_variant(ByteCursor{beginning}.be32(), ByteOrder::big);
  if (!variant) return nullptr;
  return std::unique_ptr<RecordReader>{new PcapReader{buffer, *variant}};
}

// AIX writes version 2.2, names links by their ifType (IANAifType-MIB) and counts nanoseconds, all
// under the magic of microseconds. POWER is big-endian there; the others who wrote 2.2 named
// neither token ring nor PPP, of which the numbers would be.
bool PcapReader::read_as_aix(std::uint16_t minor, std::uint16_t& link) noexcept {
  if (minor != 2 || variant_.order != ByteOrder::big || variant_.nanoseconds_per_tick != 1000)
    return false;
  struct AixLink {
    std::uint16_t if_type;
    std::uint16_t link_type;
  };
  constexpr std::array<AixLink, 4> links{{
      {6, 1},    // ethernetCsmacd
      {9, 6},    // iso88025TokenRing
      {15, 10},  // fddi
      {24, 0},   // softwareLoopback: LINKTYPE_NULL
  }};
  for (const AixLink& known : links) {
    if (known.if_type != link) continue;
    link = known.link_type;
    variant_.nanoseconds_per_tick = 1;
    return true;
  }
  return false;
}

Result<RecordState> PcapReader::read_header() {
  auto state = buffer_.fill(variant_.file_header_bytes);
  if (!state || *state == RecordState::idle) return state;
  if (*state != RecordState::ready) {
    return fail(Errc::input, "the file ends inside the pcap file header, expected " +
                                 std::to_string(variant_.file_header_bytes) +
                                 " bytes; get a complete copy");
  }
  OrderedCursor in{buffer_.available(), variant_.order};
  in.skip(4);  // magic
  const std::uint16_t major = in.u16();
  const std::uint16_t minor = in.u16();
  in.skip(8);  // time zone and accuracy: no writer ever set them
  const std::uint32_t snap_bytes = in.u32();
  const std::uint32_t link = in.u32();  // upper half: frame check sequence length and reserved bits
  constexpr std::uint16_t major_dg_ux =
      543;  // libpcap sf-pcap.c: some tcpdump stored 543.0 for 2.3
  if (major != 2 && major != major_dg_ux) {
    return fail(Errc::input, "pcap version " + std::to_string(major) + "." + std::to_string(minor) +
                                 ", expected 2.x; the header is damaged or no pcap");
  }
  auto recorded_link = static_cast<std::uint16_t>(link & 0xFFFFU);
  const bool aix = major == 2 && read_as_aix(minor, recorded_link);
  lengths_swapped_ = major == 2 && minor < 3 && !aix;
  lengths_maybe_swapped_ = major == major_dg_ux || minor == 3 || aix;
  captured_bytes_max_ = captured_bytes_max(snap_bytes);
  link_ = link_type(recorded_link);
  buffer_.consume(variant_.file_header_bytes);
  header_read_ = true;
  return RecordState::ready;
}

PcapReader::Record PcapReader::parse_record(Bytes header) const noexcept {
  OrderedCursor in{header, variant_.order};
  const std::int64_t seconds = in.u32();
  const std::int64_t ticks = in.u32();
  std::uint32_t captured = in.u32();
  std::uint32_t wire = in.u32();
  if (lengths_swapped_ || (lengths_maybe_swapped_ && captured > wire)) std::swap(captured, wire);
  return Record{.time = timestamp(seconds * 1'000'000'000 + ticks * variant_.nanoseconds_per_tick),
                .captured_bytes = captured,
                .wire_bytes = wire};
}

Result<RecordState> PcapReader::next(RawPacket& packet) {
  if (!header_read_) {
    auto state = read_header();
    if (!state || *state != RecordState::ready) return state;
  }
  const std::size_t header_bytes = variant_.record_header_bytes;
  auto state = buffer_.fill(header_bytes);
  if (!state || *state != RecordState::ready) return state;
  const Record record = parse_record(buffer_.available());
  if (record.captured_bytes > captured_bytes_max_) {
    return fail(Errc::input, "captured length " + std::to_string(record.captured_bytes) +
                                 ", expected at most " + std::to_string(captured_bytes_max_) +
                                 "; the file is damaged from here on, get an undamaged copy");
  }
  state = buffer_.fill(header_bytes + record.captured_bytes);
  if (!state || *state != RecordState::ready) return state;
  packet = RawPacket{.data = buffer_.available().subspan(header_bytes, record.captured_bytes),
                     .wire_bytes = record.wire_bytes,
                     .time = record.time,
                     .link = link_};
  buffer_.consume(header_bytes + record.captured_bytes);
  return RecordState::ready;
}

}  // namespace dpi
