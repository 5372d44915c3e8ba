// Lines of an HTTP/1 head (RFC 9112): start lines and header fields. Spans point into the line,
// which comes without its line end.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace dpi {

struct HttpRequestLine {
  std::string_view method;
  std::string_view target;
};
struct HttpField {
  std::string_view name;
  std::string_view value;  // without white space around it
};

// How much of a stream's first bytes is needed to tell, and what they are.
enum class HttpStart : std::uint8_t { no, perhaps, request, response };
// By the method (RFC 9110 §9.3, WebDAV's RFC 4918 and what else is registered) or by "HTTP/1.".
[[nodiscard]] HttpStart http_start(std::string_view head) noexcept;

// METHOD SP target SP HTTP/1.x; nothing for any other version or protocol (RTSP, SIP).
[[nodiscard]] std::optional<HttpRequestLine> parse_http_request_line(
    std::string_view line) noexcept;
// The code of HTTP/1.x SP 3DIGIT.
[[nodiscard]] std::optional<std::uint16_t> parse_http_status_line(std::string_view line) noexcept;
[[nodiscard]] std::optional<HttpField> parse_http_field(std::string_view line) noexcept;
// ASCII, without case (RFC 9110 §5.1).
[[nodiscard]] bool same_name(std::string_view a, std::string_view b) noexcept;

}  // namespace dpi
