// Lines of an HTTP/1 head (RFC 9112): start lines and header fields. Spans point into the line,
// which comes without its line end.
#pragma once

#include <cstddef>
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

// Longer tokens begin no request: registered methods have at most 17 (RFC 9110 §16.1).
inline constexpr std::size_t http_method_bytes_max = 255;

// How much of a stream's first bytes is needed to tell, and what they are.
enum class HttpStart : std::uint8_t { no, perhaps, request, response };
// By a token and what may be a target, as any method is a token (RFC 9110 §9.1), or by "HTTP/1.". A
// request is certain only with its whole first line.
[[nodiscard]] HttpStart http_start(std::string_view head) noexcept;

// METHOD SP target SP HTTP/1.x, of any white space and with some around it (RFC 9112 §3); nothing
// for any other version or protocol (RTSP, SIP).
[[nodiscard]] std::optional<HttpRequestLine> parse_http_request_line(
    std::string_view line) noexcept;
// The host that the target itself names (RFC 9112 §3.2): in absolute-form, without user, and in
// CONNECT's authority-form; else empty.
[[nodiscard]] std::string_view http_target_authority(const HttpRequestLine& request) noexcept;
// The code of HTTP/1.x SP 3DIGIT.
[[nodiscard]] std::optional<std::uint16_t> parse_http_status_line(std::string_view line) noexcept;
[[nodiscard]] std::optional<HttpField> parse_http_field(std::string_view line) noexcept;
// ASCII, without case (RFC 9110 §5.1).
[[nodiscard]] bool same_name(std::string_view a, std::string_view b) noexcept;

}  // namespace dpi
