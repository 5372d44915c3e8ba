#include "capture/pcapng_writer.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "capture/file_source.h"

namespace dpi {
namespace {

struct Seen {
  ByteBuffer data;
  std::uint32_t wire_bytes;
  Timestamp time;
  LinkType link;
  bool operator==(const Seen&) const = default;
};

TEST(PcapngWriterTest, WhatIsWrittenIsReadAgain) {
  const std::string path = ::testing::TempDir() + "pcapng_writer_test.pcapng";
  std::vector<Seen> wanted;
  auto writer = PcapngWriter::open(path, "a comment");
  ASSERT_TRUE(writer) << writer.error().what;
  for (const std::string source : {"one", "another, whose name is no multiple of four"}) {
    writer->source(source, std::string(70'000, 'd'));
    for (std::size_t size = 0; size < 70; ++size) {
      ByteBuffer data(size);
      for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<std::uint8_t>(i * 7);
      const Seen packet{.data = data,
                        .wire_bytes = static_cast<std::uint32_t>(size + size % 3),
                        .time = timestamp(1'700'000'000'123'456'789 + static_cast<int>(size)),
                        .link = LinkType{static_cast<std::uint16_t>(size % 2 == 0 ? 1 : 113)}};
      writer->add({.data = Bytes{packet.data},
                   .wire_bytes = packet.wire_bytes,
                   .time = packet.time,
                   .link = packet.link});
      wanted.push_back(packet);
    }
  }
  EXPECT_EQ(writer->packets(), wanted.size());
  ASSERT_TRUE(writer->finish());

  auto source = open_file_source(std::filesystem::path{path});
  ASSERT_TRUE(source) << source.error().what;
  std::vector<Seen> got;
  Batch batch;
  while (*(*source)->poll(batch, 16, std::chrono::seconds{1}) == SourceState::packets) {
    for (const RawPacket& packet : batch.packets())
      got.push_back({ByteBuffer(packet.data.begin(), packet.data.end()), packet.wire_bytes,
                     packet.time, packet.link});
  }
  EXPECT_EQ(got, wanted);
  EXPECT_TRUE((*source)->warnings().empty());
}

TEST(PcapngWriterTest, ATimeBefore1970IsThatYearsFirst) {
  const std::string path = ::testing::TempDir() + "pcapng_writer_test.pcapng";
  auto writer = PcapngWriter::open(path, "");
  ASSERT_TRUE(writer);
  writer->add({.data = {}, .wire_bytes = 60, .time = timestamp(-5), .link = LinkType{1}});
  ASSERT_TRUE(writer->finish());
  auto source = open_file_source(std::filesystem::path{path});
  Batch batch;
  ASSERT_EQ(*(*source)->poll(batch, 16, std::chrono::seconds{1}), SourceState::packets);
  EXPECT_EQ(batch.packets()[0].time, timestamp(0));
}

TEST(PcapngWriterTest, AFullDiskIsSaid) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  auto writer = PcapngWriter::open("/dev/full", "");
  ASSERT_TRUE(writer);
  writer->add({.data = {}, .wire_bytes = 60, .link = LinkType{1}});
  const auto written = writer->finish();
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::sink);
}

}  // namespace
}  // namespace dpi
