// The bytes of a segment file (docs/spool-format.md): building and parsing, no I/O. All integers
// little-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "probe/base/bytes.h"
#include "probe/base/hex.h"

namespace dpi {

inline constexpr std::size_t segment_header_bytes_min = 64;  // with an empty state
inline constexpr std::size_t record_head_bytes = 44;
inline constexpr std::uint32_t record_blob_bytes_max = 16U << 20U;
inline constexpr std::uint32_t spool_state_bytes_max = 1U << 20U;
// Writer and reader hold a whole batch in memory.
inline constexpr std::size_t batch_bytes_max = std::size_t{256} << 20U;

struct SegmentHeader {
  Uuid instance{};
  std::uint64_t first_seq = 0;
  std::uint64_t commits_before = 0;  // number of the last COMMIT in earlier segments
  std::uint32_t previous_crc = 0;    // of that COMMIT; 0 in the first segment
  ByteBuffer state{};                // of that COMMIT
  std::uint32_t crc = 0;             // of this header; every record of the segment repeats it
  std::size_t bytes = 0;             // length of the header
};

[[nodiscard]] ByteBuffer encode_segment_header(SegmentHeader& header);  // sets crc and bytes
// How long the header at the beginning of these bytes says it is; nothing unless it is one of ours.
[[nodiscard]] std::optional<std::size_t> segment_header_bytes(Bytes beginning) noexcept;
[[nodiscard]] std::optional<SegmentHeader> parse_segment_header(Bytes bytes);

enum class RecordType : std::uint32_t { data = 1, commit = 2 };

// What binds a record to its place: it is valid only in this segment, behind this record.
struct RecordPlace {
  std::uint32_t segment_crc = 0;
  std::uint32_t previous_crc = 0;
  std::uint64_t commit = 0;  // number of the COMMIT that ends its batch
};

struct RecordHead {
  std::uint32_t crc = 0;
  RecordPlace place;
  std::uint64_t seq = 0;           // DATA: its own; COMMIT: that of the next DATA
  std::uint32_t first_bytes = 0;   // DATA: envelope; COMMIT: state
  std::uint32_t second_bytes = 0;  // DATA: payload; COMMIT: none
  RecordType type = RecordType::data;

  [[nodiscard]] std::size_t record_bytes() const noexcept {
    return record_head_bytes + first_bytes + second_bytes;
  }
};

// Appends a record and returns its CRC.
std::uint32_t append_record(ByteBuffer& out, RecordType type, const RecordPlace& place,
                            std::uint64_t seq, Bytes first, Bytes second);
// Nothing unless magic, type and lengths are possible. The CRC is not checked.
[[nodiscard]] std::optional<RecordHead> parse_record_head(Bytes bytes) noexcept;
// record: exactly record_bytes() of it.
[[nodiscard]] bool record_intact(const RecordHead& head, Bytes record) noexcept;

// Whether a record may begin here, by as much of its magic as there is; a scan for lost records
// asks at every byte.
[[nodiscard]] bool record_may_begin(Bytes bytes) noexcept;

}  // namespace dpi
