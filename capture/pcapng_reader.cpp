#include "capture/pcapng_reader.h"

#include <algorithm>
#include <limits>
#include <string>

#include "probe/base/byte_cursor.h"

namespace dpi {
namespace {

enum BlockType : std::uint32_t {
  block_interface = 1,
  block_obsolete_packet = 2,
  block_simple_packet = 3,
  block_statistics = 5,
  block_enhanced_packet = 6,
  block_section = 0x0A0D0D0A,  // reads the same in both byte orders
};

constexpr std::size_t block_head_bytes = 8;    // type, length
constexpr std::size_t block_frame_bytes = 12;  // and the length again behind the body
constexpr std::size_t section_block_bytes_min = 28;
constexpr std::uint32_t byte_order_magic = 0x1A2B3C4D;
// Blocks we need are held whole: a packet of 16 MiB and generous options.
constexpr std::uint32_t needed_block_bytes_max = 17U << 20U;
constexpr std::size_t interfaces_max = std::size_t{1} << 16U;

bool is_needed(std::uint32_t type) noexcept {
  switch (type) {
    case block_interface:
    case block_obsolete_packet:
    case block_simple_packet:
    case block_statistics:
    case block_enhanced_packet:
    case block_section:
      return true;
    default:
      return false;
  }
}

tl::unexpected<Error> damaged(const std::string& found) {
  return fail(Errc::input, found + "; the file is damaged from here on, get an undamaged copy");
}

}  // namespace

std::unique_ptr<RecordReader> PcapngReader::make(Bytes beginning, RecordBuffer& buffer) {
  if (ByteCursor{beginning}.le32() != block_section) return nullptr;
  return std::unique_ptr<RecordReader>{new PcapngReader{buffer}};
}

Result<RecordState> PcapngReader::next(RawPacket& packet) {
  for (;;) {
    Block block;
    auto state = next_block(block);
    if (!state || *state != RecordState::ready) return state;
    if (block.body.empty() && !is_needed(block.type)) {
      buffer_.consume(block.bytes);
      continue;
    }
    const auto handled = handle(block, packet);
    if (!handled) return tl::unexpected(handled.error());
    buffer_.consume(block.bytes);
    if (*handled == Handled::packet) return RecordState::ready;
  }
}

// Frames the block at the read position. A block that nobody needs and that is longer than an arena
// keeps an empty body and is stepped over unread.
Result<RecordState> PcapngReader::next_block(Block& block) {
  auto state = buffer_.fill(block_frame_bytes);
  if (!in_section_ && state && (*state == RecordState::cut || *state == RecordState::end)) {
    return fail(Errc::input,
                "the file ends inside the pcapng section header block; get a complete copy");
  }
  if (!state || *state != RecordState::ready) return state;
  block.type = OrderedCursor{buffer_.available(), order_}.u32();
  if (block.type == block_section) {
    const std::uint32_t magic = ByteCursor{buffer_.available().subspan(block_head_bytes)}.be32();
    const bool little = magic == 0x4D3C2B1A;
    if (!little && magic != byte_order_magic)
      return damaged("section header without byte-order magic");
    order_ = little ? ByteOrder::little : ByteOrder::big;
  }
  OrderedCursor head{buffer_.available().subspan(4), order_};
  block.bytes = head.u32();
  const std::size_t bytes_min =
      block.type == block_section ? section_block_bytes_min : block_frame_bytes;
  const bool needed = is_needed(block.type);
  if (block.bytes < bytes_min || block.bytes % 4 != 0 ||
      (needed && block.bytes > needed_block_bytes_max)) {
    return damaged("block length " + std::to_string(block.bytes) + " of block type " +
                   std::to_string(block.type) + ", expected a multiple of 4 from " +
                   std::to_string(bytes_min) + " to " + std::to_string(needed_block_bytes_max));
  }
  if (!needed && block.bytes > RecordBuffer::arena_bytes) return RecordState::ready;
  state = buffer_.fill(block.bytes);
  if (!in_section_ && state && *state == RecordState::cut) {
    return fail(Errc::input,
                "the file ends inside the pcapng section header block; get a complete copy");
  }
  if (!state || *state != RecordState::ready) return state;
  const std::size_t body_bytes = block.bytes - block_frame_bytes;
  block.body = buffer_.available().subspan(block_head_bytes, body_bytes);
  const std::uint32_t trailing =
      OrderedCursor{buffer_.available().subspan(block_head_bytes + body_bytes), order_}.u32();
  if (trailing != block.bytes) {
    return damaged("block length " + std::to_string(block.bytes) + " in front and " +
                   std::to_string(trailing) + " behind the block, expected the same");
  }
  return RecordState::ready;
}

Result<PcapngReader::Handled> PcapngReader::handle(const Block& block, RawPacket& packet) {
  switch (block.type) {
    case block_section:
      return start_section(block.body);
    case block_interface:
      return add_interface(block.body);
    case block_enhanced_packet:
      return enhanced_packet(block.body, packet);
    case block_obsolete_packet:
      return obsolete_packet(block.body, packet);
    case block_simple_packet:
      return simple_packet(block.body, packet);
    case block_statistics:
      add_statistics(block.body);
      return Handled::other;
    default:
      return Handled::other;  // names, secrets, custom blocks
  }
}

Result<PcapngReader::Handled> PcapngReader::start_section(Bytes body) {
  OrderedCursor in{body, order_};
  in.skip(4);  // byte-order magic
  const std::uint16_t major = in.u16();
  const std::uint16_t minor = in.u16();
  if (major != 1) {
    return damaged("pcapng version " + std::to_string(major) + "." + std::to_string(minor) +
                   ", expected 1.x");
  }
  in_section_ = true;
  interfaces_before_ += interfaces_.size();
  interfaces_.clear();
  return Handled::other;
}

Result<PcapngReader::Handled> PcapngReader::add_interface(Bytes body) {
  const auto description = PcapngInterface::parse(body, order_);
  if (!description) return damaged("an interface description's options overrun the block");
  if (interfaces_.size() == interfaces_max) {
    return damaged("more than " + std::to_string(interfaces_max) + " interfaces in one section");
  }
  interfaces_.push_back(Interface{.description = *description, .told = {}});
  return Handled::other;
}

Result<PcapngReader::Handled> PcapngReader::enhanced_packet(Bytes body, RawPacket& packet) {
  OrderedCursor in{body, order_};
  Fields fields{.interface = in.u32()};
  fields.ticks = std::uint64_t{in.u32()} << 32U;
  fields.ticks |= in.u32();
  fields.captured_bytes = in.u32();
  fields.wire_bytes = in.u32();
  return fill_packet(fields, in, packet);
}

Result<PcapngReader::Handled> PcapngReader::obsolete_packet(Bytes body, RawPacket& packet) {
  OrderedCursor in{body, order_};
  Fields fields{.interface = in.u16()};
  in.skip(2);  // drops since the packet before; the statistics block has the sum
  fields.ticks = std::uint64_t{in.u32()} << 32U;
  fields.ticks |= in.u32();
  fields.captured_bytes = in.u32();
  fields.wire_bytes = in.u32();
  return fill_packet(fields, in, packet);
}

// Always interface 0, no time; the captured length follows from the snap length.
Result<PcapngReader::Handled> PcapngReader::simple_packet(Bytes body, RawPacket& packet) {
  OrderedCursor in{body, order_};
  Fields fields{.wire_bytes = in.u32()};
  const std::uint32_t snap_bytes =
      interfaces_.empty() ? 0 : interfaces_[0].description.snap_bytes();
  fields.captured_bytes =
      snap_bytes == 0 ? fields.wire_bytes : std::min(fields.wire_bytes, snap_bytes);
  const Timestamp before = time_;
  auto handled = fill_packet(fields, in, packet);
  packet.time = time_ = before;
  packet.time_missing = true;
  return handled;
}

Result<PcapngReader::Handled> PcapngReader::fill_packet(const Fields& fields, OrderedCursor& in,
                                                        RawPacket& packet) {
  if (fields.interface >= interfaces_.size()) {
    return damaged("a packet of interface " + std::to_string(fields.interface) +
                   ", expected one of the " + std::to_string(interfaces_.size()) + " described");
  }
  const PcapngInterface& interface = interfaces_[fields.interface].description;
  const std::uint32_t captured_max = captured_bytes_max(interface.snap_bytes());
  if (fields.captured_bytes > captured_max) {
    return damaged("captured length " + std::to_string(fields.captured_bytes) +
                   ", expected at most " + std::to_string(captured_max));
  }
  const std::size_t space = in.left();
  const Bytes data = in.take(fields.captured_bytes);
  if (!in.ok()) {
    return damaged("captured length " + std::to_string(fields.captured_bytes) +
                   ", expected at most the " + std::to_string(space) +
                   " bytes that its block holds");
  }
  constexpr std::uint64_t index_max = std::numeric_limits<std::uint16_t>::max();
  time_ = interface.time(fields.ticks);
  packet = RawPacket{.data = data,
                     .wire_bytes = fields.wire_bytes,
                     .time = time_,
                     .link = link_type(static_cast<std::uint16_t>(interface.link())),
                     .interface = static_cast<std::uint16_t>(
                         std::min(interfaces_before_ + fields.interface, index_max))};
  return Handled::packet;
}

// Loss is told as a running sum per interface, perhaps several times. Broken statistics lose no
// packet.
void PcapngReader::add_statistics(Bytes body) {
  const auto statistics = parse_pcapng_statistics(body, order_);
  if (!statistics || statistics->interface >= interfaces_.size()) return;
  RecordedDrops& told = interfaces_[statistics->interface].told;
  if (statistics->dropped_nic > told.nic) {
    drops_.nic += statistics->dropped_nic - told.nic;
    told.nic = statistics->dropped_nic;
  }
  if (statistics->dropped_kernel > told.kernel) {
    drops_.kernel += statistics->dropped_kernel - told.kernel;
    told.kernel = statistics->dropped_kernel;
  }
}

}  // namespace dpi
