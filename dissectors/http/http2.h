// HTTP/2 frames (RFC 9113 §4.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "probe/base/bytes.h"

namespace dpi {

inline constexpr std::string_view http2_preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
inline constexpr std::size_t http2_frame_header_bytes = 9;

namespace http2_frame {
inline constexpr std::uint8_t data = 0, headers = 1, settings = 4, push_promise = 5,
                              continuation = 9;
}  // namespace http2_frame

namespace http2_flag {
inline constexpr std::uint8_t end_headers = 0x04, padded = 0x08, priority = 0x20;
}  // namespace http2_flag

struct Http2FrameHeader {
  std::uint32_t length = 0;  // of what follows the header
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;
};
// Nothing when the bytes are too few.
[[nodiscard]] std::optional<Http2FrameHeader> parse_http2_frame_header(Bytes bytes) noexcept;

// The field block of a HEADERS, PUSH_PROMISE or CONTINUATION frame without padding, priority and
// promised stream (RFC 9113 §6.2, §6.6, §6.10); nothing when the padding is longer than the frame.
[[nodiscard]] std::optional<Bytes> http2_field_block(const Http2FrameHeader& header,
                                                     Bytes payload) noexcept;

}  // namespace dpi
