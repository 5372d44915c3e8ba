#include <bzlib.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lz4frame.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "tests/unit/capture/capture_bytes.h"

namespace dpi {
namespace {

using test::payload;
using test::PcapFile;
using test::read_bytes;
using testing::HasSubstr;

ByteBuffer gzip(Bytes plain) {
  z_stream stream{};
  DPI_CHECK(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  ByteBuffer out(deflateBound(&stream, plain.size()) + 64);
  stream.next_in = const_cast<std::uint8_t*>(plain.data());
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  DPI_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

ByteBuffer zstd(Bytes plain) {
  ByteBuffer out(ZSTD_compressBound(plain.size()));
  const std::size_t size = ZSTD_compress(out.data(), out.size(), plain.data(), plain.size(), 3);
  DPI_CHECK(ZSTD_isError(size) == 0U);
  out.resize(size);
  return out;
}

ByteBuffer bzip2(Bytes plain) {
  ByteBuffer in(plain.begin(), plain.end());
  in.reserve(1);                                            // bzlib takes no null pointer
  ByteBuffer out(plain.size() + plain.size() / 100 + 600);  // bzlib.h, BuffToBuffCompress
  auto size = static_cast<unsigned>(out.size());
  DPI_CHECK(BZ2_bzBuffToBuffCompress(reinterpret_cast<char*>(out.data()), &size,
                                     reinterpret_cast<char*>(in.data()),
                                     static_cast<unsigned>(plain.size()), 1, 0, 1) == BZ_OK);
  out.resize(size);
  return out;
}

ByteBuffer xz(Bytes plain) {
  ByteBuffer out(lzma_stream_buffer_bound(plain.size()));
  std::size_t size = 0;
  DPI_CHECK(lzma_easy_buffer_encode(3, LZMA_CHECK_CRC64, nullptr, plain.data(), plain.size(),
                                    out.data(), &size, out.size()) == LZMA_OK);
  out.resize(size);
  return out;
}

ByteBuffer lz4(Bytes plain) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
  ByteBuffer out(LZ4F_compressFrameBound(plain.size(), &preferences));
  const std::size_t size =
      LZ4F_compressFrame(out.data(), out.size(), plain.data(), plain.size(), &preferences);
  DPI_CHECK(LZ4F_isError(size) == 0U);
  out.resize(size);
  return out;
}

ByteBuffer operator+(ByteBuffer a, const ByteBuffer& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

ByteBuffer big_capture() {
  PcapFile file;
  for (unsigned i = 0; i < 3000; ++i) file.packet(i, i, payload(600 + i % 900, i));
  return file.bytes();
}

struct Codec {
  const char* name;
  ByteBuffer (*compress)(Bytes);
};

class CompressedFileTest : public testing::TestWithParam<Codec> {};

TEST_P(CompressedFileTest, GivesTheSamePacketsAsPlain) {
  const ByteBuffer plain = big_capture();
  const auto expected = read_bytes(plain);
  const auto reading = read_bytes(GetParam().compress(plain));
  ASSERT_FALSE(reading.error) << reading.error->what;
  EXPECT_EQ(reading.packets, expected.packets);
  EXPECT_TRUE(reading.warnings.empty());
}

TEST_P(CompressedFileTest, JoinsConcatenatedMembers) {
  const ByteBuffer plain = big_capture();
  const Bytes all{plain};
  const auto joined = GetParam().compress(all.first(3)) +
                      GetParam().compress(all.subspan(3, 10'000)) + GetParam().compress({}) +
                      GetParam().compress(all.subspan(10'003));
  const auto reading = read_bytes(joined);
  ASSERT_FALSE(reading.error) << reading.error->what;
  EXPECT_EQ(reading.packets, read_bytes(plain).packets);
  EXPECT_TRUE(reading.warnings.empty());
}

TEST_P(CompressedFileTest, EndsWithWarningWhenCutShortAnywhere) {
  PcapFile file;
  file.packet(1, 0, payload(30)).packet(2, 0, payload(31, 9));
  const ByteBuffer whole = GetParam().compress(file.bytes());
  const auto expected = read_bytes(file.bytes()).packets;
  for (std::size_t size = 4; size < whole.size(); ++size) {
    const auto reading = read_bytes(Bytes{whole}.first(size));
    ASSERT_LE(reading.packets.size(), expected.size());
    for (std::size_t i = 0; i < reading.packets.size(); ++i) {
      EXPECT_EQ(reading.packets[i], expected[i]);
    }
    if (reading.error) {
      EXPECT_TRUE(reading.packets.empty());  // not even the file header came out
      continue;
    }
    EXPECT_EQ(reading.stats.cut_records, 1U) << size;
    ASSERT_EQ(reading.warnings.size(), 1U);
    EXPECT_THAT(reading.warnings[0], HasSubstr("compressed data is cut short"));
  }
}

TEST_P(CompressedFileTest, NamesDamageAfterThePacketsBeforeIt) {
  ByteBuffer damaged = GetParam().compress(big_capture());
  for (std::size_t i = damaged.size() * 3 / 4; i < damaged.size(); ++i) damaged[i] ^= 0xA5U;
  const auto reading = read_bytes(damaged);
  ASSERT_TRUE(reading.error);
  EXPECT_THAT(reading.error->what, HasSubstr("of the decompressed data"));
  if (reading.error->what.find("captured length") == std::string::npos) {
    EXPECT_THAT(reading.error->what, HasSubstr(std::string{GetParam().name} + " data is damaged"));
  }
}

TEST_P(CompressedFileTest, LosesNothingThatCameOutBeforeTheDamage) {
  // Damage at the very end: everything is out by then.
  PcapFile file;
  for (unsigned i = 0; i < 10; ++i) file.packet(i, i, payload(100, i));
  for (const ByteBuffer& plain : {file.bytes(), big_capture()}) {
    ByteBuffer damaged = GetParam().compress(plain) + GetParam().compress(plain);
    damaged.resize(damaged.size() / 2 + 12);  // the second member breaks in its beginning
    for (std::size_t i = damaged.size() - 8; i < damaged.size(); ++i) damaged[i] ^= 0xA5U;
    EXPECT_EQ(read_bytes(damaged).packets.size(), read_bytes(plain).packets.size());
  }
}

TEST(GzipFileTest, AWrongChecksumTakesNoPacketAway) {
  ByteBuffer damaged = gzip(big_capture());
  damaged[damaged.size() - 8] ^= 1U;  // RFC 1952 §2.3.1: CRC32, then ISIZE
  const auto reading = read_bytes(damaged);
  EXPECT_EQ(reading.packets.size(), 3000U);
  ASSERT_TRUE(reading.error);
  EXPECT_THAT(reading.error->what, HasSubstr("gzip data is damaged"));
}

TEST_P(CompressedFileTest, StreamsWhatExpandsWithoutBound) {
  const ByteBuffer zeros(std::size_t{64}
                         << 20U);  // a pcap followed by 4 M empty records at time zero
  const ByteBuffer bomb = GetParam().compress(PcapFile{}.bytes()) + GetParam().compress(zeros);
  auto source = test::source_of(bomb);
  std::uint64_t packets = 0;
  Batch batch;
  for (;;) {
    const auto state = source->poll(batch, 4096, std::chrono::milliseconds{0});
    ASSERT_TRUE(state) << state.error().what;
    if (*state == SourceState::end) break;
    packets += batch.size();
  }
  EXPECT_EQ(packets, zeros.size() / 16);
}

INSTANTIATE_TEST_SUITE_P(Codecs, CompressedFileTest,
                         testing::Values(Codec{"gzip", gzip}, Codec{"zstd", zstd}, Codec{"xz", xz},
                                         Codec{"bzip2", bzip2}, Codec{"lz4", lz4}),
                         [](const auto& codec) { return std::string{codec.param.name}; });

TEST(GzipFileTest, IgnoresZeroPaddingAndNamesTrailingGarbage) {
  const ByteBuffer packed = gzip(PcapFile{}.packet(1, 0, payload(20)).bytes());
  const auto padded = read_bytes(packed + ByteBuffer(512));
  EXPECT_FALSE(padded.error);
  EXPECT_TRUE(padded.warnings.empty());
  const auto dirty = read_bytes(packed + ByteBuffer{'j', 'u', 'n', 'k'});
  EXPECT_FALSE(dirty.error);
  EXPECT_EQ(dirty.packets.size(), 1U);
  ASSERT_EQ(dirty.warnings.size(), 1U);
  EXPECT_THAT(dirty.warnings[0], HasSubstr("4 bytes behind the end of the compressed data"));
}

TEST(ZstdFileTest, SkipsSkippableFrames) {
  test::ByteWriter frame;
  frame.u32(0x184D2A53).u32(5).raw(payload(5));
  const ByteBuffer packed = zstd(PcapFile{}.packet(1, 0, payload(20)).bytes());
  const auto reading = read_bytes(frame.bytes() + packed + frame.bytes());
  ASSERT_FALSE(reading.error) << reading.error->what;
  EXPECT_EQ(reading.packets.size(), 1U);
}

TEST(XzFileTest, SkipsStreamPadding) {
  const ByteBuffer packed = xz(PcapFile{}.packet(1, 0, payload(20)).bytes());
  const auto reading = read_bytes(packed + ByteBuffer(8) + xz({}) + ByteBuffer(4));
  ASSERT_FALSE(reading.error) << reading.error->what;
  EXPECT_EQ(reading.packets.size(), 1U);
  EXPECT_TRUE(reading.warnings.empty());
}

TEST(XzFileTest, RefusesADictionaryBeyondItsLimit) {
  lzma_options_lzma options{};
  DPI_CHECK(!lzma_lzma_preset(&options, 0));
  options.dict_size = 256U << 20U;
  const std::array<lzma_filter, 2> filters{
      {{.id = LZMA_FILTER_LZMA2, .options = &options}, {.id = LZMA_VLI_UNKNOWN, .options = {}}}};
  const ByteBuffer plain = PcapFile{}.packet(1, 0, payload(20)).bytes();
  ByteBuffer packed(lzma_stream_buffer_bound(plain.size()));
  std::size_t size = 0;
  DPI_CHECK(lzma_stream_buffer_encode(const_cast<lzma_filter*>(filters.data()), LZMA_CHECK_CRC32,
                                      nullptr, plain.data(), plain.size(), packed.data(), &size,
                                      packed.size()) == LZMA_OK);
  packed.resize(size);
  const auto reading = read_bytes(packed);
  ASSERT_TRUE(reading.error);
  EXPECT_THAT(reading.error->what, HasSubstr("more than 128 MiB"));
}

TEST(Bzip2FileTest, NamesTrailingGarbage) {
  const ByteBuffer packed = bzip2(PcapFile{}.packet(1, 0, payload(20)).bytes());
  const auto dirty = read_bytes(packed + ByteBuffer{'j', 'u', 'n', 'k'});
  EXPECT_FALSE(dirty.error);
  ASSERT_EQ(dirty.warnings.size(), 1U);
  EXPECT_THAT(dirty.warnings[0], HasSubstr("4 bytes behind the end of the compressed data"));
}

TEST(CompressedFileAdviceTest, NamesFormatsItDoesNotRead) {
  const ByteBuffer zip{'P', 'K', 3, 4, 0, 0, 0, 0};
  EXPECT_THAT(read_bytes(zip).error->what, HasSubstr("unpack it first"));
}

}  // namespace
}  // namespace dpi
