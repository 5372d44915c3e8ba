// Builds capture files in memory, byte by byte, and reads them back through the file source.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "capture/file_source.h"
#include "capture/ordered_cursor.h"
#include "probe/base/bytes.h"
#include "probe/base/check.h"
#include "probe/base/packet.h"

namespace dpi::test {

class ByteWriter {
 public:
  explicit ByteWriter(ByteOrder order = ByteOrder::little) : order_(order) {}
  ByteWriter& u8(std::uint64_t value) { return number(value, 1); }
  ByteWriter& u16(std::uint64_t value) { return number(value, 2); }
  ByteWriter& u32(std::uint64_t value) { return number(value, 4); }
  ByteWriter& u64(std::uint64_t value) { return number(value, 8); }
  ByteWriter& raw(Bytes data) {
    bytes_.insert(bytes_.end(), data.begin(), data.end());
    return *this;
  }
  ByteWriter& pad4() {
    while (bytes_.size() % 4 != 0) bytes_.push_back(0);
    return *this;
  }
  [[nodiscard]] const ByteBuffer& bytes() const { return bytes_; }
  [[nodiscard]] ByteOrder order() const { return order_; }

 private:
  ByteWriter& number(std::uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; ++i) {
      const unsigned shift = 8 * (order_ == ByteOrder::big ? size - 1 - i : i);
      bytes_.push_back(static_cast<std::uint8_t>(value >> shift));
    }
    return *this;
  }
  ByteOrder order_;
  ByteBuffer bytes_;
};

// size bytes that differ from packet to packet.
inline ByteBuffer payload(std::size_t size, unsigned seed = 1) {
  ByteBuffer bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + seed);
  return bytes;
}

class PcapFile {
 public:
  static constexpr std::uint32_t micro = 0xA1B2C3D4;
  static constexpr std::uint32_t nano = 0xA1B23C4D;
  static constexpr std::uint32_t modified = 0xA1B2CD34;

  explicit PcapFile(std::uint32_t magic = micro, ByteOrder order = ByteOrder::little,
                    std::uint32_t link = 1, std::uint32_t snap = 65535, std::uint16_t minor = 4)
      : out_(order), magic_(magic) {
    out_.u32(magic).u16(2).u16(minor).u32(0).u32(0).u32(snap).u32(link);
  }
  PcapFile& packet(std::uint32_t seconds, std::uint32_t ticks, Bytes data,
                   std::optional<std::uint32_t> wire = std::nullopt) {
    out_.u32(seconds)
        .u32(ticks)
        .u32(data.size())
        .u32(wire.value_or(static_cast<std::uint32_t>(data.size())));
    if (magic_ == modified) out_.u32(3).u16(0x0800).u8(1).u8(0);
    out_.raw(data);
    return *this;
  }
  [[nodiscard]] ByteWriter& raw() { return out_; }
  [[nodiscard]] const ByteBuffer& bytes() const { return out_.bytes(); }

 private:
  ByteWriter out_;
  std::uint32_t magic_;
};

class PcapngFile {
 public:
  explicit PcapngFile(ByteOrder order = ByteOrder::little) { section(order); }

  PcapngFile& section(ByteOrder order) {
    order_ = order;
    return block(0x0A0D0D0A,
                 ByteWriter{order}.u32(0x1A2B3C4D).u16(1).u16(0).u64(~std::uint64_t{0}).bytes());
  }
  PcapngFile& interface(std::uint16_t link, std::uint32_t snap = 0, Bytes options = {}) {
    return block(1, ByteWriter{order_}.u16(link).u16(0).u32(snap).raw(options).bytes());
  }
  PcapngFile& enhanced(std::uint32_t interface, std::uint64_t ticks, Bytes data,
                       std::optional<std::uint32_t> wire = std::nullopt) {
    ByteWriter body{order_};
    body.u32(interface).u32(ticks >> 32U).u32(ticks & 0xFFFFFFFFU).u32(data.size());
    body.u32(wire.value_or(static_cast<std::uint32_t>(data.size()))).raw(data).pad4();
    return block(6, body.bytes());
  }
  PcapngFile& obsolete(std::uint16_t interface, std::uint64_t ticks, Bytes data) {
    ByteWriter body{order_};
    body.u16(interface).u16(0xFFFF).u32(ticks >> 32U).u32(ticks & 0xFFFFFFFFU);
    body.u32(data.size()).u32(data.size()).raw(data).pad4();
    return block(2, body.bytes());
  }
  PcapngFile& simple(Bytes data, std::optional<std::uint32_t> wire = std::nullopt) {
    ByteWriter body{order_};
    body.u32(wire.value_or(static_cast<std::uint32_t>(data.size()))).raw(data).pad4();
    return block(3, body.bytes());
  }
  PcapngFile& block(std::uint32_t type, Bytes body) {
    ByteWriter out{order_};
    out.u32(type).u32(body.size() + 12).raw(body).u32(body.size() + 12);
    return raw(out.bytes());
  }
  PcapngFile& raw(Bytes data) {
    bytes_.insert(bytes_.end(), data.begin(), data.end());
    return *this;
  }
  [[nodiscard]] ByteWriter option(std::uint16_t code, Bytes value) const {
    ByteWriter out{order_};
    out.u16(code).u16(value.size()).raw(value).pad4();
    return out;
  }
  [[nodiscard]] ByteOrder order() const { return order_; }
  [[nodiscard]] const ByteBuffer& bytes() const { return bytes_; }

 private:
  ByteOrder order_ = ByteOrder::little;
  ByteBuffer bytes_;
};

// A packet with its own copy of its bytes.
struct ReadPacket {
  ByteBuffer data;
  std::uint32_t wire_bytes = 0;
  std::int64_t nanoseconds = 0;
  std::uint16_t link = 0;
  std::uint16_t interface = 0;
  bool time_missing = false;
  bool operator==(const ReadPacket&) const = default;
};

struct Reading {
  std::vector<ReadPacket> packets;
  std::optional<Error> error;
  std::vector<std::string> warnings;
  CaptureStats stats;
};

inline ReadPacket copy_of(const RawPacket& packet) {
  return ReadPacket{.data = ByteBuffer(packet.data.begin(), packet.data.end()),
                    .wire_bytes = packet.wire_bytes,
                    .nanoseconds = nanoseconds(packet.time),
                    .link = static_cast<std::uint16_t>(packet.link),
                    .interface = packet.interface,
                    .time_missing = packet.time_missing};
}

// Polls to the end or an error and copies packets only then, so that every batch must have kept its
// bytes.
inline Reading read_all(std::unique_ptr<PacketSource> source, std::size_t packets_max = 256) {
  Reading reading;
  std::vector<Batch> batches;
  for (;;) {
    Batch batch;
    const auto state = source->poll(batch, packets_max, std::chrono::milliseconds{2000});
    if (!state) reading.error = state.error();
    if (!state || *state == SourceState::end) break;
    DPI_CHECK(*state == SourceState::packets);  // nothing here is slow enough to be idle
    batches.push_back(std::move(batch));
  }
  reading.warnings.assign(source->warnings().begin(), source->warnings().end());
  reading.stats = source->stats();
  source.reset();
  for (const Batch& batch : batches) {
    for (const RawPacket& packet : batch.packets()) reading.packets.push_back(copy_of(packet));
  }
  return reading;
}

// A descriptor on a nameless file with these bytes.
inline int memory_file(Bytes bytes) {
  const int fd = ::memfd_create("capture", MFD_CLOEXEC);
  DPI_CHECK(fd >= 0);
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t wrote = ::write(fd, bytes.data() + done, bytes.size() - done);
    DPI_CHECK(wrote > 0);
    done += static_cast<std::size_t>(wrote);
  }
  DPI_CHECK(::lseek(fd, 0, SEEK_SET) == 0);
  return fd;
}

inline std::unique_ptr<PacketSource> source_of(Bytes bytes) {
  auto source = open_file_source(memory_file(bytes), "test.pcap");
  DPI_CHECK(source.has_value());
  return std::move(*source);
}

inline Reading read_bytes(Bytes bytes, std::size_t packets_max = 256) {
  return read_all(source_of(bytes), packets_max);
}

}  // namespace dpi::test
