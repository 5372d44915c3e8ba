// Any bytes as a spool's last segment: recovery never crashes, reader and writer agree on what is
// committed, and a spool that opened can be written to and opened again.
//
// First byte even: the rest is the segment file. Odd: the rest writes a valid spool and then
// damages it, because no fuzzer guesses a CRC: pairs (kind, value) up to kind 255, then triples
// (offset low, offset high, xor).
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "probe/base/byte_cursor.h"
#include "probe/base/check.h"
#include "probe/spool/spool_folder.h"
#include "probe/spool/spool_reader.h"
#include "probe/spool/spool_writer.h"
#include "tests/unit/spool/memory_storage.h"

namespace {

const std::filesystem::path folder{"/spool"};
const std::filesystem::path segment = folder / dpi::segment_name(0);
constexpr dpi::Uuid instance{0x5A};
constexpr std::size_t steps_max = 16;  // a spool of at most 3 KiB: more records say nothing new

dpi::Result<std::unique_ptr<dpi::SpoolWriter>> open_writer(dpi::Storage& storage) {
  return dpi::SpoolWriter::open(folder, instance, {}, storage);
}

dpi::ByteBuffer damaged_spool(dpi::ByteCursor& in) {
  dpi::test::MemoryStorage storage;
  auto writer = open_writer(storage);
  DPI_CHECK(writer.has_value());
  DPI_CHECK((*writer)->commit({}).has_value());
  for (std::size_t step = 0; step < steps_max; ++step) {
    const std::uint8_t kind = in.u8();
    const std::uint8_t value = in.u8();
    if (!in.ok() || kind == 255) break;
    const dpi::ByteBuffer blob(value % 64U, kind);
    if (kind % 4 == 0) {
      DPI_CHECK((*writer)->commit(blob).has_value());
    } else {
      (*writer)->append((*writer)->next_seq(), blob, blob);
    }
  }
  DPI_CHECK((*writer)->commit({}).has_value());
  dpi::ByteBuffer bytes = storage.contents(segment);
  for (std::size_t step = 0; step < steps_max && in.left() >= 3; ++step) {
    const std::size_t offset = in.le16();
    const std::uint8_t change = in.u8();
    if (change == 0) bytes.resize(bytes.size() - offset % bytes.size());  // never to nothing
    bytes[offset % bytes.size()] ^= change;
  }
  return bytes;
}

// Commits without events at the end of a damaged segment need not be met again.
struct Found {
  std::uint64_t events = 0;
  bool damaged = false;
};

// What a reader finds, whatever the bytes are: in order, and each event once.
Found read(dpi::Storage& storage) {
  auto reader = dpi::SpoolReader::open(folder, storage);
  DPI_CHECK(reader.has_value());
  Found found;
  std::uint64_t next_seq = 0;
  for (;;) {
    const auto batch = reader->next();
    DPI_CHECK(batch.has_value());
    if (!*batch) break;
    DPI_CHECK((*batch)->first_seq >= next_seq);
    next_seq = (*batch)->next_seq;
    found.events += (*batch)->records.size();
  }
  found.damaged = !reader->damage().empty();
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  dpi::ByteCursor in{dpi::Bytes{data, size}};
  const bool structured = in.u8() % 2 == 1;
  const dpi::Bytes rest = in.rest();
  dpi::test::MemoryStorage storage;
  storage.set_contents(segment,
                       structured ? damaged_spool(in) : dpi::ByteBuffer(rest.begin(), rest.end()));
  const Found before = read(storage);
  auto writer = open_writer(storage);
  if (!writer) {
    const bool another_instance = writer.error().code == dpi::Errc::sink;
    DPI_CHECK(another_instance || before.damaged);
    return 0;
  }
  DPI_CHECK(read(storage).events == before.events);
  const std::uint64_t next_seq = (*writer)->next_seq();
  (*writer)->append(next_seq, dpi::as_bytes("envelope"), dpi::as_bytes("payload"));
  DPI_CHECK((*writer)->commit(dpi::as_bytes("state")).has_value());
  writer->reset();
  writer = open_writer(storage);
  DPI_CHECK(writer.has_value() && (*writer)->next_seq() == next_seq + 1);
  DPI_CHECK((*writer)->recovered_bytes_cut() == 0);
  DPI_CHECK(read(storage).events == before.events + 1);
  return 0;
}
