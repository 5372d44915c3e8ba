#include "dissectors/proxy_header.h"

#include <algorithm>

#include "probe/base/byte_cursor.h"

namespace dpi {

Preamble proxy_line(Bytes head) noexcept {
  constexpr std::string_view begins = "PROXY ";
  constexpr std::size_t line_bytes_max = 107;
  const std::string_view text = as_text(head.first(std::min(head.size(), line_bytes_max)));
  const std::size_t common = std::min(text.size(), begins.size());
  if (text.substr(0, common) != begins.substr(0, common)) return {};
  const std::size_t end = text.find("\r\n");
  if (end != std::string_view::npos) return {.bytes = end + 2};
  return {.cut = text.size() < line_bytes_max};
}

Preamble proxy_header(Bytes head) noexcept {
  constexpr std::string_view signature{"\r\n\r\n\0\r\nQUIT\n", 12};
  const std::string_view text = as_text(head);
  const std::size_t common = std::min(text.size(), signature.size());
  if (text.substr(0, common) != signature.substr(0, common)) return {};
  ByteCursor in(head);
  in.skip(signature.size());
  const std::uint8_t version = in.u8();
  in.skip(1);
  in.skip(in.be16());
  if (!in.ok()) return {.cut = true};
  return {.bytes = version >> 4U == 2 ? in.position() : 0};
}

}  // namespace dpi
