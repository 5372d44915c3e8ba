// pcapng (draft-ietf-opsawg-pcapng): any number of sections, each with its own byte order and
// interfaces, each interface with its own link type, snap length and clock.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "capture/ordered_cursor.h"
#include "capture/pcapng_interface.h"
#include "capture/record_reader.h"

namespace dpi {

class PcapngReader final : public RecordReader {
 public:
  // Null when the bytes do not begin with a section header block.
  [[nodiscard]] static std::unique_ptr<RecordReader> make(Bytes beginning, RecordBuffer& buffer);

  [[nodiscard]] Result<RecordState> next(RawPacket& packet) override;
  [[nodiscard]] RecordedDrops drops() const noexcept override { return drops_; }

 private:
  struct Block {
    std::uint32_t type = 0;
    std::uint32_t bytes = 0;  // with header and trailing length
    Bytes body;
  };
  // An interface and the loss it has told so far.
  struct Interface {
    PcapngInterface description;
    RecordedDrops told;
  };
  enum class Handled { packet, other };

  explicit PcapngReader(RecordBuffer& buffer) : buffer_(buffer) {}
  Result<RecordState> next_block(Block& block);
  Result<Handled> handle(const Block& block, RawPacket& packet);
  Result<Handled> start_section(Bytes body);
  Result<Handled> add_interface(Bytes body);
  Result<Handled> enhanced_packet(Bytes body, RawPacket& packet);
  Result<Handled> obsolete_packet(Bytes body, RawPacket& packet);
  Result<Handled> simple_packet(Bytes body, RawPacket& packet);
  // What all packet blocks share; in stands at the packet's bytes.
  struct Fields {
    std::uint32_t interface = 0;
    std::uint64_t ticks = 0;
    std::uint32_t captured_bytes = 0;
    std::uint32_t wire_bytes = 0;
  };
  Result<Handled> fill_packet(const Fields& fields, OrderedCursor& in, RawPacket& packet);
  void add_statistics(Bytes body);

  RecordBuffer& buffer_;
  bool in_section_ = false;
  ByteOrder order_ = ByteOrder::little;
  std::vector<Interface> interfaces_;    // of this section
  std::uint64_t interfaces_before_ = 0;  // of the sections before
  Timestamp time_{};                     // of the packet before
  RecordedDrops drops_;
};

}  // namespace dpi
