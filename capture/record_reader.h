// One capture file format: takes whole packets out of a RecordBuffer. A reader consumes a record
// only when all of it is there, so it can be asked again after idle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "capture/record_buffer.h"
#include "probe/base/bytes.h"
#include "probe/base/packet.h"
#include "probe/base/result.h"

namespace dpi {

// Packets that the capturing machine lost, as far as the format tells.
struct RecordedDrops {
  std::uint64_t kernel = 0;
  std::uint64_t nic = 0;
};

class RecordReader {
 public:
  RecordReader() = default;
  RecordReader(const RecordReader&) = delete;
  RecordReader& operator=(const RecordReader&) = delete;
  virtual ~RecordReader() = default;

  // ready: packet is filled and its bytes lie in the buffer's memory(). wire_bytes is as recorded,
  // it may be below the captured length. The error text says what is wrong with the record at the
  // buffer's offset().
  [[nodiscard]] virtual Result<RecordState> next(RawPacket& packet) = 0;
  [[nodiscard]] virtual RecordedDrops drops() const noexcept { return {}; }
};

// The reader for a file that begins with these bytes (at least 4), which it reads again;
// Errc::input, naming what the content looks like, when no format begins so.
[[nodiscard]] Result<std::unique_ptr<RecordReader>> make_record_reader(Bytes beginning,
                                                                       RecordBuffer& buffer);

// The longest captured packet believed from a file that announces this snap length. 256 KiB is
// libpcap's MAXIMUM_SNAPLEN, which old writers exceed the announced one up to; 16 MiB bounds our
// memory.
[[nodiscard]] std::uint32_t captured_bytes_max(std::uint32_t snap_bytes) noexcept;

// Files carry a few historical values for raw IP; one value afterwards. FCS bits are already off.
[[nodiscard]] LinkType link_type(std::uint16_t recorded) noexcept;

}  // namespace dpi
