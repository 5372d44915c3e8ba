#include <gtest/gtest.h>

#include "dissectors/http/http1.h"
#include "dissectors/http/http2.h"
#include "tests/support/tls.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

TEST(Http1Test, KnowsRequestsAndResponsesByTheirBeginning) {
  EXPECT_EQ(http_start("GET / HTTP/1.1"), HttpStart::request);
  EXPECT_EQ(http_start("HTTP/1.1 200"), HttpStart::response);
  EXPECT_EQ(http_start("GE(T / "), HttpStart::no);
  EXPECT_EQ(http_start("GET\r\n"), HttpStart::no);
  EXPECT_EQ(http_start(" / "), HttpStart::no);
  EXPECT_EQ(http_start("GET \x01"), HttpStart::no);
  EXPECT_EQ(http_start(std::string(http_method_bytes_max + 1, 'A')), HttpStart::no);
  for (const std::string_view word : {"OPTIONS /", "BITS_POST /", "HTTP/1."}) {
    for (std::size_t n = 1; n < word.size(); ++n)
      EXPECT_EQ(http_start(word.substr(0, n)), HttpStart::perhaps) << word << n;
    EXPECT_NE(http_start(word), HttpStart::perhaps);
  }
}

// RFC 9110 §9.1: any token.
TEST(Http1Test, AnyTokenIsAMethod) {
  for (const std::string_view line : {"PURGE /a", "X-CUSTOM /a", "get /a", "VERSION-CONTROL *",
                                      "M-SEARCH * ", "!#$%&'*+.^`|~9 /"})
    EXPECT_EQ(http_start(line), HttpStart::request) << line;
  const std::string longest(http_method_bytes_max, 'M');
  EXPECT_EQ(http_start(longest), HttpStart::perhaps);
  EXPECT_EQ(http_start(longest + " /"), HttpStart::request);
  EXPECT_EQ(http_start(longest + "M /"), HttpStart::no);
}

// RFC 9112 §3.
TEST(Http1Test, ReadsRequestLines) {
  const auto line = parse_http_request_line("GET /where?q=now HTTP/1.1");
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(line->method, "GET");
  EXPECT_EQ(line->target, "/where?q=now");
  EXPECT_EQ(parse_http_request_line("GET /a b HTTP/1.0")->target, "/a b");
  for (const std::string_view spaced :
       {"GET\t/a\tHTTP/1.1", "GET /a HTTP/1.1 ", "GET  /a \t HTTP/1.1"})
    EXPECT_EQ(parse_http_request_line(spaced)->target, "/a") << spaced;
  for (const std::string_view bad :
       {"", "GET", "GET /", "GET  HTTP/1.1", "OPTIONS sip:x SIP/2.0", "OPTIONS rtsp://x RTSP/1.0",
        "GET / HTTP/1.", "GET / HTTP/2.0", " / HTTP/1.1", "G(T / HTTP/1.1"}) {
    EXPECT_FALSE(parse_http_request_line(bad).has_value()) << bad;
  }
}

// RFC 9112 §3.2.
TEST(Http1Test, ATargetMayNameItsHost) {
  EXPECT_EQ(http_target_authority({"GET", "http://www.example.com/x"}), "www.example.com");
  EXPECT_EQ(http_target_authority({"GET", "https://a:b@[2001:db8::1]:80?q"}), "[2001:db8::1]:80");
  EXPECT_EQ(http_target_authority({"CONNECT", "www.example.com:443"}), "www.example.com:443");
  for (const std::string_view none : {"/x", "*", "/x?u=http://a/", "://a", ""})
    EXPECT_EQ(http_target_authority({"GET", none}), "") << none;
}

// RFC 9112 §4.
TEST(Http1Test, ReadsStatusLines) {
  EXPECT_EQ(parse_http_status_line("HTTP/1.1 404 Not Found"), 404);
  EXPECT_EQ(parse_http_status_line("HTTP/1.0 200"), 200);
  EXPECT_EQ(parse_http_status_line("HTTP/1.1  200\tOK"), 200);
  for (const std::string_view bad :
       {"", "HTTP/1.1", "HTTP/1.1 20", "HTTP/1.1 2000", "HTTP/1.1 2x0 ", "HTTP/2.0 200 "}) {
    EXPECT_FALSE(parse_http_status_line(bad).has_value()) << bad;
  }
}

TEST(Http1Test, ReadsFieldsWithoutTheirWhiteSpace) {
  const auto field = parse_http_field("Host: \t example.com ");
  ASSERT_TRUE(field.has_value());
  EXPECT_EQ(field->name, "Host");
  EXPECT_EQ(field->value, "example.com");
  EXPECT_EQ(parse_http_field("X:")->value, "");
  EXPECT_FALSE(parse_http_field("no colon").has_value());
  EXPECT_FALSE(parse_http_field(": x").has_value());
  EXPECT_TRUE(same_name("User-Agent", "user-agent"));
  EXPECT_FALSE(same_name("User-Agent", "user-agen"));
}

TEST(Http2Test, AFrameHeaderCutAnywhereIsNone) {
  const ByteBuffer bytes{0, 1, 2, 1, 4, 0x80, 0, 0, 5};
  for (std::size_t n = 0; n < bytes.size(); ++n)
    EXPECT_FALSE(parse_http2_frame_header(Bytes{bytes}.first(n)).has_value());
  const auto header = parse_http2_frame_header(bytes);
  EXPECT_EQ(header->length, 258U);
  EXPECT_EQ(header->type, http2_frame::headers);
  EXPECT_EQ(header->flags, http2_flag::end_headers);
  EXPECT_EQ(header->stream, 5U) << "the reserved bit is none of it";
}

// RFC 9113 §6.2.
TEST(Http2Test, AFieldBlockIsWhatPaddingAndPriorityLeave) {
  const ByteBuffer payload = u8(3) + zeros(5) + text("block") + zeros(3);
  Http2FrameHeader header{.type = http2_frame::headers,
                          .flags = http2_flag::padded | http2_flag::priority};
  EXPECT_EQ(as_text(*http2_field_block(header, payload)), "block");
  EXPECT_FALSE(http2_field_block(header, ByteBuffer{9, 0, 0, 0, 0, 0, 1}).has_value());
  EXPECT_FALSE(http2_field_block(header, ByteBuffer{0, 0, 0}).has_value());
  header = {.type = http2_frame::push_promise};
  EXPECT_EQ(as_text(*http2_field_block(header, be32(2) + text("p"))), "p");
}

}  // namespace
}  // namespace dpi
