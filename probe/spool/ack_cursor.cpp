#include "probe/spool/ack_cursor.h"

#include <array>
#include <cerrno>
#include <utility>

#include "probe/base/byte_cursor.h"
#include "probe/spool/crc32c.h"
#include "probe/spool/spool_folder.h"

namespace dpi {
namespace {

constexpr std::uint64_t slot_spacing = 512;  // a sector each, so that one write tears only one
constexpr std::uint32_t slot_magic = 0x41534E8D;
constexpr std::size_t slot_bytes = 24;  // magic, CRC over the rest, generation, acked_seq
constexpr std::size_t crc_covers = 8;
using Slot = std::array<std::uint8_t, slot_bytes>;

Slot encode(std::uint64_t generation, std::uint64_t acked_seq) {
  Slot slot{};
  const auto put = [&slot](std::size_t at, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i)
      slot[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
  };
  put(0, slot_magic, 4);
  put(8, generation, 8);
  put(16, acked_seq, 8);
  put(4, crc32c(Bytes{slot}.subspan(crc_covers)), 4);
  return slot;
}

}  // namespace

AckCursor::AckCursor(std::unique_ptr<StorageFile> file, std::filesystem::path path)
    : file_(std::move(file)), path_(std::move(path)) {}

Result<AckCursor> AckCursor::open(const std::filesystem::path& folder) {
  return open(folder, posix_storage());
}

Result<AckCursor> AckCursor::open(const std::filesystem::path& folder, Storage& storage) {
  const std::filesystem::path path = folder / spool_cursor_name;
  auto file = storage.open(path, Storage::Mode::write);
  if (!file && file.error() == ENOENT) file = storage.open(path, Storage::Mode::create);
  if (!file) return storage_failure(path, "cannot be opened", file.error());
  AckCursor cursor{std::move(*file), path};
  if (auto loaded = cursor.load(); !loaded) return tl::unexpected(loaded.error());
  return cursor;
}

Result<void> AckCursor::load() {
  for (const std::uint64_t offset : {std::uint64_t{0}, slot_spacing}) {
    Slot slot{};
    const auto got = file_->read(offset, slot);
    if (!got) return storage_failure(path_, "cannot be read", got.error());
    ByteCursor in{Bytes{slot}.first(*got)};
    const std::uint32_t magic = in.le32();
    const std::uint32_t crc = in.le32();
    const std::uint64_t generation = in.le64();
    const std::uint64_t acked_seq = in.le64();
    if (!in.ok() || magic != slot_magic || crc != crc32c(Bytes{slot}.subspan(crc_covers))) continue;
    if (generation > generation_) {
      generation_ = generation;
      acked_seq_ = acked_seq;
    }
  }
  return {};
}

Result<void> AckCursor::store(std::uint64_t acked_seq) {
  const std::uint64_t generation = generation_ + 1;
  const Slot slot = encode(generation, acked_seq);
  const auto wrote = file_->write(generation % 2 * slot_spacing, slot);
  if (!wrote) return storage_failure(path_, "cannot be written", wrote.error());
  generation_ = generation;
  acked_seq_ = acked_seq;
  return {};
}

}  // namespace dpi
