#include "capture/file_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "capture/record_buffer.h"
#include "tests/unit/capture/capture_bytes.h"

namespace dpi {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using test::payload;
using test::PcapFile;
using test::PcapngFile;
using test::read_bytes;
using testing::HasSubstr;

ByteBuffer capture_over_several_arenas() {
  PcapFile file;
  for (unsigned i = 0; i < 4000; ++i) file.packet(i, i, payload(i * 37 % 1500, i));
  return file.bytes();
}

TEST(FileSourceTest, GivesTheSamePacketsForEveryBatchSize) {
  const ByteBuffer bytes = capture_over_several_arenas();
  ASSERT_GT(bytes.size(), 2 * RecordBuffer::arena_bytes);
  const auto expected = read_bytes(bytes, 1).packets;
  ASSERT_EQ(expected.size(), 4000U);
  EXPECT_EQ(read_bytes(bytes, 7).packets, expected);
  EXPECT_EQ(read_bytes(bytes, 256).packets, expected);
}

TEST(FileSourceTest, LetsBatchesGoInAnyOrder) {
  auto source = test::source_of(capture_over_several_arenas());
  std::vector<Batch> held;
  std::vector<std::vector<test::ReadPacket>> copies;
  unsigned step = 0;
  for (;;) {
    Batch batch;
    const auto state = source->poll(batch, 100, 0ms);
    ASSERT_TRUE(state);
    if (*state == SourceState::end) break;
    std::vector<test::ReadPacket> copy;
    for (const RawPacket& packet : batch.packets()) copy.push_back(test::copy_of(packet));
    copies.push_back(std::move(copy));
    held.push_back(std::move(batch));
    if (++step % 3 == 0) held[(step * 7) % held.size()].clear();
  }
  source.reset();
  std::size_t checked = 0;
  for (std::size_t i = held.size(); i-- > 0;) {
    const auto packets = held[i].packets();
    for (std::size_t k = 0; k < packets.size(); ++k) {
      EXPECT_EQ(test::copy_of(packets[k]), copies[i][k]);
      ++checked;
    }
    held[i].clear();
  }
  EXPECT_GT(checked, 2000U);
}

TEST(FileSourceTest, KeepsReadableZeroBytesBehindTheLastPacket) {
  auto source = test::source_of(PcapFile{}.packet(1, 0, payload(60)).bytes());
  Batch batch;
  ASSERT_TRUE(source->poll(batch, 8, 0ms));
  const Bytes data = batch.packets()[0].data;
  const Bytes guard{data.data() + data.size(), RecordBuffer::guard_bytes};
  EXPECT_TRUE(std::ranges::all_of(guard, [](std::uint8_t byte) { return byte == 0; }));
}

TEST(FileSourceTest, SumsWhatItRead) {
  PcapFile file;
  file.packet(1, 0, payload(60)).packet(2, 0, payload(40), 1000);
  const auto stats = read_bytes(file.bytes()).stats;
  EXPECT_EQ(stats.packets, 2U);
  EXPECT_EQ(stats.captured_bytes, 100U);
  EXPECT_EQ(stats.wire_bytes, 1060U);
}

void expect_whole_records_at_every_cut(const ByteBuffer& bytes, std::size_t header_bytes,
                                       const std::vector<std::size_t>& packet_ends,
                                       const std::vector<std::size_t>& record_ends) {
  const auto expected = read_bytes(bytes).packets;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto reading = read_bytes(Bytes{bytes}.first(size));
    if (size < header_bytes) {
      ASSERT_TRUE(reading.error) << size;
      EXPECT_EQ(reading.error->code, Errc::input);
      continue;
    }
    ASSERT_FALSE(reading.error) << size << ": " << reading.error->what;
    const auto whole = static_cast<std::size_t>(
        std::ranges::count_if(packet_ends, [size](std::size_t end) { return end <= size; }));
    ASSERT_EQ(reading.packets.size(), whole) << size;
    for (std::size_t i = 0; i < whole; ++i) EXPECT_EQ(reading.packets[i], expected[i]);
    const bool between =
        size == header_bytes || std::ranges::find(record_ends, size) != record_ends.end();
    EXPECT_EQ(reading.stats.cut_records, between ? 0U : 1U) << size;
    EXPECT_EQ(reading.warnings.size(), between ? 0U : 1U) << size;
  }
}

TEST(FileSourceTest, DeliversWholePcapRecordsWhereverTheFileIsCut) {
  for (const std::uint32_t magic : {PcapFile::micro, PcapFile::modified}) {
    PcapFile file{magic};
    std::vector<std::size_t> ends;
    for (unsigned i = 0; i < 3; ++i) {
      file.packet(i, 0, payload(17 + i, i));
      ends.push_back(file.bytes().size());
    }
    expect_whole_records_at_every_cut(file.bytes(), 24, ends, ends);
  }
}

TEST(FileSourceTest, DeliversWholePcapngBlocksWhereverTheFileIsCut) {
  PcapngFile file{ByteOrder::big};
  const std::size_t header = file.bytes().size();
  std::vector<std::size_t> packets;
  std::vector<std::size_t> blocks;
  const auto mark = [&](bool packet) {
    blocks.push_back(file.bytes().size());
    if (packet) packets.push_back(file.bytes().size());
  };
  file.interface(1), mark(false);
  file.enhanced(0, 5, payload(17)), mark(true);
  file.block(0x77, payload(8)), mark(false);
  file.simple(payload(9)), mark(true);
  file.section(ByteOrder::little), mark(false);
  file.interface(113), mark(false);
  file.obsolete(0, 9, payload(18)), mark(true);
  expect_whole_records_at_every_cut(file.bytes(), header, packets, blocks);
}

TEST(FileSourceTest, WarningNamesPlaceOfTheCut) {
  const ByteBuffer bytes = PcapFile{}.packet(1, 0, payload(60)).packet(2, 0, payload(60)).bytes();
  const auto reading = read_bytes(Bytes{bytes}.first(bytes.size() - 1));
  ASSERT_EQ(reading.warnings.size(), 1U);
  EXPECT_THAT(reading.warnings[0],
              HasSubstr("test.pcap: the file ends in the middle of packet 2 at byte 100"));
}

TEST(FileSourceTest, FileWithOnlyItsHeaderIsAnEmptyCapture) {
  for (const ByteBuffer& bytes : {PcapFile{}.bytes(), PcapngFile{}.bytes()}) {
    const auto reading = read_bytes(bytes);
    EXPECT_FALSE(reading.error);
    EXPECT_TRUE(reading.packets.empty());
    EXPECT_TRUE(reading.warnings.empty());
  }
}

TEST(FileSourceTest, RefusesEmptyFileAndGarbageWithAdvice) {
  const auto empty = read_bytes({});
  ASSERT_TRUE(empty.error);
  EXPECT_EQ(empty.error->code, Errc::input);
  EXPECT_THAT(empty.error->what, HasSubstr("test.pcap: "));
  EXPECT_THAT(empty.error->what, HasSubstr("the file is empty"));
  const auto garbage = read_bytes(payload(5000));
  ASSERT_TRUE(garbage.error);
  EXPECT_THAT(garbage.error->what,
              HasSubstr("at byte 0: expected a pcap, pcapng or snoop capture"));
  EXPECT_THAT(garbage.error->what, HasSubstr("check that it is a capture"));
}

TEST(FileSourceTest, RepeatsErrorAndEnd) {
  auto broken = test::source_of(payload(100));
  auto whole = test::source_of(PcapFile{}.bytes());
  Batch batch;
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(broken->poll(batch, 1, 0ms));
    EXPECT_EQ(whole->poll(batch, 1, 0ms).value(), SourceState::end);
  }
}

TEST(FileSourceTest, RefusesMissingFileAndDirectory) {
  const auto missing = open_file_source("no/such/file.pcap");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::input);
  EXPECT_THAT(missing.error().what, HasSubstr("no/such/file.pcap: cannot be opened: No such file"));
  const auto directory = open_file_source(fs::temp_directory_path());
  ASSERT_FALSE(directory);
  EXPECT_THAT(directory.error().what, HasSubstr("is a directory"));
}

TEST(FileSourceTest, ReadsNamedFile) {
  const fs::path path = fs::temp_directory_path() / ("file_source_" + std::to_string(::getpid()));
  const ByteBuffer bytes = PcapFile{}.packet(1, 0, payload(60)).bytes();
  std::ofstream{path, std::ios::binary} << as_text(bytes);
  auto source = open_file_source(path);
  ASSERT_TRUE(source) << source.error().what;
  EXPECT_EQ((*source)->name(), path.string());
  EXPECT_EQ(test::read_all(std::move(*source)).packets.size(), 1U);
  fs::remove(path);
}

TEST(FileSourceTest, SlowPipeIsIdleAndNeverGivesHalfAPacket) {
  const ByteBuffer bytes = PcapFile{}.packet(1, 0, payload(60)).packet(2, 0, payload(61)).bytes();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  auto source = open_file_source(ends[0], "pipe");
  ASSERT_TRUE(source) << source.error().what;
  std::vector<test::ReadPacket> packets;
  Batch batch;
  for (const std::uint8_t byte : bytes) {
    EXPECT_EQ((*source)->poll(batch, 16, 0ms).value(), SourceState::idle);
    ASSERT_EQ(::write(ends[1], &byte, 1), 1);
    if ((*source)->poll(batch, 16, 0ms).value() == SourceState::packets) {
      packets.push_back(test::copy_of(batch.packets()[0]));
    }
  }
  ::close(ends[1]);
  EXPECT_EQ((*source)->poll(batch, 16, 0ms).value(), SourceState::end);
  EXPECT_EQ(packets, read_bytes(bytes).packets);
}

TEST(FileSourceTest, DoesNotWaitToFillABatch) {
  const ByteBuffer bytes = PcapFile{}.packet(1, 0, payload(60)).bytes();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  auto source = open_file_source(ends[0], "pipe");
  ASSERT_TRUE(source);
  ASSERT_EQ(::write(ends[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  Batch batch;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ((*source)->poll(batch, 16, 60s).value(), SourceState::packets);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 30s);
  ::close(ends[1]);
}

TEST(FileSourceTest, ReadsAGrowingFileAsFarAsItWasTold) {
  PcapFile file;
  file.packet(1, 0, payload(30));
  const std::uint64_t told = file.bytes().size();
  file.packet(2, 0, payload(40));
  for (const std::uint64_t more : {0U, 5U}) {
    auto source = open_file_source(test::memory_file(file.bytes()), "grows.pcap", told + more);
    const auto reading = test::read_all(std::move(*source));
    EXPECT_EQ(reading.packets.size(), 1U);
    EXPECT_EQ(reading.stats.cut_records, more > 0 ? 1U : 0U);
  }
}

TEST(FileSourceTest, WaitsForTheWriterOfAFifo) {
  std::string folder = (fs::temp_directory_path() / "fifo_XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const fs::path path = fs::path{folder} / "capture";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  auto source = open_file_source(path);
  ASSERT_TRUE(source) << source.error().what;
  Batch batch;
  EXPECT_EQ((*source)->poll(batch, 16, 0ms).value(), SourceState::idle);
  const ByteBuffer bytes = capture_over_several_arenas();
  std::thread writer{[&] { std::ofstream{path, std::ios::binary} << as_text(bytes); }};
  const auto reading = test::read_all(std::move(*source));
  writer.join();
  EXPECT_FALSE(reading.error);
  EXPECT_EQ(reading.packets.size(), 4000U);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace dpi
