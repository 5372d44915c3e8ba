// pcap (draft-ietf-opsawg-pcap) in its variants: microseconds and nanoseconds, both byte orders,
// Kuznetzov's longer record header, Ixia's lcap, and the swapped lengths of versions before 2.4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "capture/ordered_cursor.h"
#include "capture/record_reader.h"

namespace dpi {

class PcapReader final : public RecordReader {
 public:
  // Null when the bytes do not begin with a pcap magic.
  [[nodiscard]] static std::unique_ptr<RecordReader> make(Bytes beginning, RecordBuffer& buffer);

  [[nodiscard]] Result<RecordState> next(RawPacket& packet) override;

 private:
  struct Variant {
    ByteOrder order = ByteOrder::little;
    std::uint32_t nanoseconds_per_tick = 1000;
    std::uint8_t file_header_bytes = 24;
    std::uint8_t record_header_bytes = 16;
  };
  struct Record {
    Timestamp time{};
    std::uint32_t captured_bytes = 0;
    std::uint32_t wire_bytes = 0;
  };

  PcapReader(RecordBuffer& buffer, Variant variant) : buffer_(buffer), variant_(variant) {}
  // Whether tcpdump of AIX wrote it; then link becomes a LINKTYPE_ and ticks are nanoseconds.
  [[nodiscard]] bool read_as_aix(std::uint16_t minor, std::uint16_t& link) noexcept;
  static std::optional<Variant> find_variant(std::uint32_t magic, ByteOrder order) noexcept;
  Result<RecordState> read_header();
  [[nodiscard]] Record parse_record(Bytes header) const noexcept;

  RecordBuffer& buffer_;
  Variant variant_;
  bool header_read_ = false;
  bool lengths_swapped_ = false;        // version < 2.3
  bool lengths_maybe_swapped_ = false;  // version 2.3 and 543: writers disagreed
  std::uint32_t captured_bytes_max_ = 0;
  LinkType link_{};
};

}  // namespace dpi
