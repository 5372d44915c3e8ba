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

[[nodiscard]] std::string hex(Bytes bytes);
void append_hex(std::string& out, Bytes bytes);
[[nodiscard]] std::optional<ByteBuffer> parse_hex(std::string_view text);
[[nodiscard]] std::optional<Digest> parse_digest(std::string_view text);

[[nodiscard]] std::string base64(Bytes bytes);
// Strict: canonical padding, no white space.
[[nodiscard]] std::optional<ByteBuffer> parse_base64(std::string_view text);

void append_uuid(std::string& out, const Uuid& uuid);
[[nodiscard]] std::string uuid_text(const Uuid& uuid);
[[nodiscard]] std::optional<Uuid> parse_uuid(std::string_view text);
// The first 16 bytes of a digest as a version 8 UUID (RFC 9562 §5.8).
[[nodiscard]] Uuid uuid_v8(const Digest& digest) noexcept;

}  // namespace dpi
