#include "probe/spool/spool_format.h"

#include <algorithm>
#include <array>

#include "probe/base/byte_cursor.h"
#include "probe/base/check.h"
#include "probe/spool/crc32c.h"

namespace dpi {
namespace {

// Bytes above 0x7F: no canonical JSON can look like a header or a record.
constexpr std::array<std::uint8_t, 8> segment_magic{0xD5, 'R', 'S', 'E', 'S', 'P', 'L', 0x8A};
constexpr std::uint32_t record_magic = 0x9C5253D5;  // D5 'S' 'R' 9C
constexpr std::uint32_t format_version = 1;
constexpr std::size_t crc_offset = 4;  // of a record's CRC, which covers everything behind it
constexpr std::size_t crc_covers = 8;

void put32(ByteBuffer& out, std::uint32_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8)
    out.push_back(static_cast<std::uint8_t>(value >> shift));
}

void put64(ByteBuffer& out, std::uint64_t value) {
  put32(out, static_cast<std::uint32_t>(value));
  put32(out, static_cast<std::uint32_t>(value >> 32U));
}

// Numbers of a record's head, one behind the other.
class HeadWriter {
 public:
  void put32(std::uint32_t value) noexcept {
    for (unsigned shift = 0; shift < 32; shift += 8)
      bytes_[at_++] = static_cast<std::uint8_t>(value >> shift);
  }
  void put64(std::uint64_t value) noexcept {
    put32(static_cast<std::uint32_t>(value));
    put32(static_cast<std::uint32_t>(value >> 32U));
  }
  [[nodiscard]] Bytes whole() const noexcept { return bytes_; }

 private:
  std::array<std::uint8_t, record_head_bytes> bytes_{};
  std::size_t at_ = 0;
};

void put(ByteBuffer& out, Bytes bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

ByteBuffer encode_segment_header(SegmentHeader& header) {
  DPI_CHECK(header.state.size() <= spool_state_bytes_max);
  ByteBuffer out;
  put(out, segment_magic);
  put32(out, format_version);
  header.bytes = segment_header_bytes_min + header.state.size();
  put32(out, static_cast<std::uint32_t>(header.bytes));
  put(out, header.instance);
  put64(out, header.first_seq);
  put64(out, header.commits_before);
  put32(out, header.previous_crc);
  put32(out, static_cast<std::uint32_t>(header.state.size()));
  put32(out, 0);  // reserved
  put(out, header.state);
  header.crc = crc32c(out);
  put32(out, header.crc);
  DPI_CHECK(out.size() == header.bytes);
  return out;
}

std::optional<std::size_t> segment_header_bytes(Bytes beginning) noexcept {
  ByteCursor in{beginning};
  const bool ours = std::ranges::equal(in.take(segment_magic.size()), segment_magic);
  const std::uint32_t version = in.le32();
  const std::uint32_t bytes = in.le32();
  if (!in.ok() || !ours || version != format_version || bytes < segment_header_bytes_min ||
      bytes > segment_header_bytes_min + spool_state_bytes_max) {
    return std::nullopt;
  }
  return bytes;
}

std::optional<SegmentHeader> parse_segment_header(Bytes bytes) {
  const auto length = segment_header_bytes(bytes);
  if (!length || *length > bytes.size()) return std::nullopt;
  constexpr std::size_t crc_bytes = 4;
  SegmentHeader header{.bytes = *length};
  ByteCursor in{bytes.first(*length)};
  in.skip(16);  // magic, version, length: checked above
  std::ranges::copy(in.take(header.instance.size()), header.instance.begin());
  header.first_seq = in.le64();
  header.commits_before = in.le64();
  header.previous_crc = in.le32();
  const std::uint32_t state_bytes = in.le32();
  in.skip(4);
  if (state_bytes + segment_header_bytes_min != *length) return std::nullopt;
  const Bytes state = in.take(state_bytes);
  header.state.assign(state.begin(), state.end());
  header.crc = in.le32();
  if (!in.ok() || header.crc != crc32c(bytes.first(*length - crc_bytes))) return std::nullopt;
  return header;
}

std::uint32_t append_record(ByteBuffer& out, RecordType type, const RecordPlace& place,
                            std::uint64_t seq, Bytes first, Bytes second) {
  const std::size_t start = out.size();
  HeadWriter head;
  head.put32(record_magic);
  head.put32(0);  // the CRC, of all that follows
  head.put32(place.segment_crc);
  head.put32(place.previous_crc);
  head.put64(seq);
  head.put64(place.commit);
  head.put32(static_cast<std::uint32_t>(first.size()));
  head.put32(static_cast<std::uint32_t>(second.size()));
  head.put32(static_cast<std::uint32_t>(type));
  put(out, head.whole());
  put(out, first);
  put(out, second);
  const std::uint32_t crc = crc32c(Bytes{out}.subspan(start + crc_covers));
  for (unsigned i = 0; i < 4; ++i) {
    out[start + crc_offset + i] = static_cast<std::uint8_t>(crc >> (8 * i));
  }
  return crc;
}

bool record_may_begin(Bytes bytes) noexcept {
  for (std::size_t i = 0; i < std::min<std::size_t>(bytes.size(), sizeof record_magic); ++i) {
    if (bytes[i] != static_cast<std::uint8_t>(record_magic >> (8 * i))) return false;
  }
  return !bytes.empty();
}

std::optional<RecordHead> parse_record_head(Bytes bytes) noexcept {
  ByteCursor in{bytes};
  const bool ours = in.le32() == record_magic;
  RecordHead head;
  head.crc = in.le32();
  head.place.segment_crc = in.le32();
  head.place.previous_crc = in.le32();
  head.seq = in.le64();
  head.place.commit = in.le64();
  head.first_bytes = in.le32();
  head.second_bytes = in.le32();
  head.type = RecordType{in.le32()};
  if (!in.ok() || !ours) return std::nullopt;
  const bool data = head.type == RecordType::data && head.first_bytes <= record_blob_bytes_max &&
                    head.second_bytes <= record_blob_bytes_max;
  const bool commit = head.type == RecordType::commit &&
                      head.first_bytes <= spool_state_bytes_max && head.second_bytes == 0;
  if (!data && !commit) return std::nullopt;
  return head;
}

bool record_intact(const RecordHead& head, Bytes record) noexcept {
  DPI_CHECK(record.size() == head.record_bytes());
  return crc32c(record.subspan(crc_covers)) == head.crc;
}

}  // namespace dpi
