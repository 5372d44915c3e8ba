#include "capture/snoop_reader.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "probe/base/byte_cursor.h"

namespace dpi {
namespace {

constexpr std::array<std::uint8_t, 8> snoop_magic{'s', 'n', 'o', 'o', 'p', 0, 0, 0};
constexpr std::size_t magic_shown = 4;  // what make() is sure to see
constexpr std::size_t file_header_bytes = 16;
constexpr std::size_t record_header_bytes = 24;

// RFC 1761 §3 data link types to LINKTYPE_.
std::optional<LinkType> snoop_link(std::uint32_t recorded) noexcept {
  switch (recorded) {
    case 0:  // IEEE 802.3
    case 4:  // Ethernet
      return LinkType{1};
    case 2:  // token ring
      return LinkType{6};
    case 8:  // FDDI
      return LinkType{10};
    default:
      return std::nullopt;
  }
}

}  // namespace

std::unique_ptr<RecordReader> SnoopReader::make(Bytes beginning, RecordBuffer& buffer) {
  const Bytes first = beginning.first(std::min(magic_shown, beginning.size()));
  if (!std::ranges::equal(first, Bytes{snoop_magic}.first(magic_shown))) return nullptr;
  return std::unique_ptr<RecordReader>{new SnoopReader{buffer}};
}

Result<RecordState> SnoopReader::read_header() {
  auto state = buffer_.fill(file_header_bytes);
  if (!state || *state == RecordState::idle) return state;
  if (*state != RecordState::ready) {
    return fail(
        Errc::input,
        "the file ends inside the snoop file header, expected 16 bytes; get a complete copy");
  }
  ByteCursor in{buffer_.available()};
  const Bytes magic = in.take(snoop_magic.size());
  const std::uint32_t version = in.be32();
  const std::uint32_t recorded_link = in.be32();
  if (!std::ranges::equal(magic, snoop_magic) || version != 2) {
    return fail(Errc::input, "expected a snoop version 2 header, found version " +
                                 std::to_string(version) + "; check that it is a capture");
  }
  const auto link = snoop_link(recorded_link);
  if (!link) {
    return fail(Errc::input,
                "snoop data link type " + std::to_string(recorded_link) +
                    ", expected Ethernet, token ring or FDDI; convert the file with `editcap`");
  }
  link_ = *link;
  buffer_.consume(file_header_bytes);
  header_read_ = true;
  return RecordState::ready;
}

Result<RecordState> SnoopReader::next(RawPacket& packet) {
  if (!header_read_) {
    auto state = read_header();
    if (!state || *state != RecordState::ready) return state;
  }
  auto state = buffer_.fill(record_header_bytes);
  if (!state || *state != RecordState::ready) return state;
  ByteCursor in{buffer_.available()};
  const std::uint32_t wire = in.be32();
  const std::uint32_t captured = in.be32();
  const std::uint32_t record = in.be32();  // header, packet and padding
  const std::uint32_t drops = in.be32();
  const std::int64_t seconds = in.be32();
  const std::int64_t microseconds = in.be32();
  const std::uint32_t captured_max = captured_bytes_max(0);
  if (captured > captured_max || record < record_header_bytes + captured ||
      record > record_header_bytes + captured + captured_max) {
    return fail(Errc::input, "record length " + std::to_string(record) + " with captured length " +
                                 std::to_string(captured) + ", expected at most " +
                                 std::to_string(captured_max) +
                                 " captured bytes that fit the record; the file is damaged from "
                                 "here on, get an undamaged copy");
  }
  state = buffer_.fill(record);
  if (!state || *state != RecordState::ready) return state;
  drops_ = std::max(drops_, drops);
  packet = RawPacket{.data = buffer_.available().subspan(record_header_bytes, captured),
                     .wire_bytes = wire,
                     .time = timestamp(seconds * 1'000'000'000 + microseconds * 1000),
                     .link = link_};
  buffer_.consume(record);
  return RecordState::ready;
}

}  // namespace dpi
