#include "probe/metadata/hpack.h"

#include <gtest/gtest.h>

#include "probe/base/hex.h"
#include "tests/support/packets.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

struct Decoded {
  bool ok;
  std::string text;
};
Decoded decode_with(HpackDecoder& decoder, Bytes block) {
  std::string text;
  const bool ok = decoder.decode(block, [&](std::string_view name, std::string_view value) {
    text += std::string{name} + "=" + std::string{value} + ";";
  });
  return {ok, text};
}

// RFC 7541 §C.4.1 and §C.4.2: Huffman text, then an entry of the dynamic table.
TEST(HpackTest, DecodesTheRequestsOfTheRfc) {
  HpackDecoder decoder;
  const ByteBuffer first = *parse_hex("828684418cf1e3c2e5f23a6ba0ab90f4ff");
  const ByteBuffer second = *parse_hex("828684be5886a8eb10649cbf");
  EXPECT_EQ(decode_with(decoder, first).text,
            ":method=GET;:scheme=http;:path=/;:authority=www.example.com;");
  EXPECT_EQ(decode_with(decoder, second).text,
            ":method=GET;:scheme=http;:path=/;:authority=www.example.com;cache-control=no-cache;");
}

TEST(HpackTest, AFieldCutInTheMiddleIsRefused) {
  const ByteBuffer block = *parse_hex("418cf1e3c2e5f23a6ba0ab90f4ff");
  for (std::size_t n = 1; n < block.size(); ++n) {
    HpackDecoder decoder;
    EXPECT_FALSE(decode_with(decoder, Bytes{block}.first(n)).ok) << n;
  }
}

TEST(HpackTest, FieldsThatGoOnForeverAreRefused) {
  HpackDecoder decoder;
  EXPECT_TRUE(decode_with(decoder, ByteBuffer(100, 0x82)).ok);
  EXPECT_FALSE(decode_with(decoder, ByteBuffer(20'000, 0x82)).ok);
}

// Literal fields with incremental indexing (RFC 7541 §6.2.1) stay for blocks to come.
TEST(HpackTest, SaysWhatItsDynamicTableTakes) {
  HpackDecoder decoder;
  const std::size_t empty = decoder.memory_bytes();
  ByteBuffer block;
  for (unsigned i = 0; i < 100; ++i) {
    for (const unsigned byte : {0x40U, 1U, static_cast<unsigned>('a' + i % 26), 1U, 120U})
      block.push_back(static_cast<std::uint8_t>(byte));
  }
  ASSERT_TRUE(decoder.decode(block, [](std::string_view, std::string_view) {}));
  EXPECT_GE(decoder.memory_bytes(), empty + std::size_t{100} * 200);
}

TEST(HpackTest, AnIndexThatDoesNotExistIsRefused) {
  HpackDecoder decoder;
  EXPECT_FALSE(decode_with(decoder, ByteBuffer{0xff, 0xff, 0x7f}).ok);
}

}  // namespace
}  // namespace dpi
