// Lower-case hexadecimal, base64 (RFC 4648 §4) and UUID text (RFC 9562 §4): fixed forms of the
// envelope.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "probe/base/bytes.h"

namespace dpi {

using Digest = std::array<std::uint8_t, 32>;  // SHA-256
using Uuid = std::array<std::uint8_t, 16>;

inline constexpr std::size_t uuid_text_bytes = 36;

// write_… put text where there is room for it and give where it goes on.
char* write_hex(char* at, Bytes bytes) noexcept;
[[nodiscard]] std::string hex(Bytes bytes);
void append_hex(std::string& out, Bytes bytes);
[[nodiscard]] std::optional<ByteBuffer> parse_hex(std::string_view text);
[[nodiscard]] std::optional<Digest> parse_digest(std::string_view text);

// To anything that text can be pushed back to.
template <class Text>
void append_base64(Text& out, Bytes bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (; !bytes.empty(); bytes = bytes.subspan(bytes.size() < 3 ? bytes.size() : 3)) {
    std::uint32_t group = std::uint32_t{bytes[0]} << 16U;
    if (bytes.size() > 1) group |= std::uint32_t{bytes[1]} << 8U;
    if (bytes.size() > 2) group |= bytes[2];
    for (std::size_t k = 0; k < 4; ++k)
      out.push_back(k <= bytes.size() ? digits[group >> (18U - 6U * k) & 63U] : '=');
  }
}
[[nodiscard]] std::string base64(Bytes bytes);
// Strict: canonical padding, no white space.
[[nodiscard]] std::optional<ByteBuffer> parse_base64(std::string_view text);

char* write_uuid(char* at, const Uuid& uuid) noexcept;
void append_uuid(std::string& out, const Uuid& uuid);
[[nodiscard]] std::string uuid_text(const Uuid& uuid);
[[nodiscard]] std::optional<Uuid> parse_uuid(std::string_view text);
// The first 16 bytes of a digest as a version 8 UUID (RFC 9562 §5.8).
[[nodiscard]] Uuid uuid_v8(const Digest& digest) noexcept;

}  // namespace dpi
