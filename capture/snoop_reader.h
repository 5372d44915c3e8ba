// snoop captures (RFC 1761), as Solaris writes them.
#pragma once

#include <cstdint>
#include <memory>

#include "capture/record_reader.h"

namespace dpi {

class SnoopReader final : public RecordReader {
 public:
  // Null when the bytes do not begin with snoop's identification pattern.
  [[nodiscard]] static std::unique_ptr<RecordReader> make(Bytes beginning, RecordBuffer& buffer);

  [[nodiscard]] Result<RecordState> next(RawPacket& packet) override;
  [[nodiscard]] RecordedDrops drops() const noexcept override {
    return {.kernel = drops_, .nic = 0};
  }

 private:
  explicit SnoopReader(RecordBuffer& buffer) : buffer_(buffer) {}
  Result<RecordState> read_header();

  RecordBuffer& buffer_;
  bool header_read_ = false;
  LinkType link_{};
  std::uint32_t drops_ = 0;  // cumulative in every record
};

}  // namespace dpi
