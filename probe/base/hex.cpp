#include "probe/base/hex.h"

#include <algorithm>
#include <cstring>
#include <span>

namespace dpi {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::string_view base64_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Both digits of every byte.
constexpr auto hex_pairs = [] {
  std::array<std::array<char, 2>, 256> out{};
  for (std::size_t b = 0; b < out.size(); ++b) out[b] = {hex_digits[b >> 4U], hex_digits[b & 15U]};
  return out;
}();

char* put_byte(char* at, std::uint8_t b) noexcept {
  std::memcpy(at, hex_pairs[b].data(), 2);
  return at + 2;
}

constexpr std::uint8_t no_digit = 0x80;
// Of every byte its value as a digit.
constexpr auto hex_values = [] {
  std::array<std::uint8_t, 256> out{};
  out.fill(no_digit);
  for (std::size_t i = 0; i < hex_digits.size(); ++i)
    out[static_cast<std::uint8_t>(hex_digits[i])] = static_cast<std::uint8_t>(i);
  return out;
}();

// Two digits for each byte of out; false when one of them is none.
bool read_hex(std::string_view text, std::span<std::uint8_t> out) noexcept {
  std::uint8_t seen = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::uint8_t high = hex_values[static_cast<std::uint8_t>(text[2 * i])];
    const std::uint8_t low = hex_values[static_cast<std::uint8_t>(text[2 * i + 1])];
    seen |= high | low;
    out[i] = static_cast<std::uint8_t>(high << 4U | low);
  }
  return (seen & no_digit) == 0;
}

}  // namespace

char* write_hex(char* at, Bytes bytes) noexcept {
  for (const std::uint8_t b : bytes) at = put_byte(at, b);
  return at;
}

void append_hex(std::string& out, Bytes bytes) {
  const std::size_t at = out.size();
  out.resize(at + bytes.size() * 2);
  write_hex(out.data() + at, bytes);
}

std::string hex(Bytes bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  append_hex(out, bytes);
  return out;
}

std::optional<ByteBuffer> parse_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  ByteBuffer out(text.size() / 2);
  if (!read_hex(text, out)) return std::nullopt;
  return out;
}

std::optional<Digest> parse_digest(std::string_view text) {
  Digest out{};
  if (text.size() != 2 * out.size() || !read_hex(text, out)) return std::nullopt;
  return out;
}

std::string base64(Bytes bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  append_base64(out, bytes);
  return out;
}

std::optional<ByteBuffer> parse_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  ByteBuffer out;
  std::uint32_t group = 0;
  std::uint32_t bits = 0;
  for (const char c : text.substr(0, text.size() - padding)) {
    const std::size_t value = base64_digits.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    group = group << 6U | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<std::uint8_t>(group >> bits & 0xffU));
    }
  }
  if ((group & ((1U << bits) - 1U)) != 0) return std::nullopt;  // non-zero padding bits
  return out;
}

char* write_uuid(char* at, const Uuid& uuid) noexcept {
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
    at = put_byte(at, uuid[i]);
  }
  return at;
}

void append_uuid(std::string& out, const Uuid& uuid) {
  const std::size_t at = out.size();
  out.resize(at + uuid_text_bytes);
  write_uuid(out.data() + at, uuid);
}

std::string uuid_text(const Uuid& uuid) {
  std::string out;
  out.reserve(uuid_text_bytes);
  append_uuid(out, uuid);
  return out;
}

std::optional<Uuid> parse_uuid(std::string_view text) {
  if (text.size() != uuid_text_bytes || text[8] != '-' || text[13] != '-' || text[18] != '-' ||
      text[23] != '-') {
    return std::nullopt;
  }
  Uuid out{};
  const std::span<std::uint8_t> bytes{out};
  const bool read = read_hex(text, bytes.first(4)) &&
                    read_hex(text.substr(9), bytes.subspan(4, 2)) &&
                    read_hex(text.substr(14), bytes.subspan(6, 2)) &&
                    read_hex(text.substr(19), bytes.subspan(8, 2)) &&
                    read_hex(text.substr(24), bytes.subspan(10));
  if (!read) return std::nullopt;
  return out;
}

Uuid uuid_v8(const Digest& digest) noexcept {
  Uuid out{};
  std::copy_n(digest.begin(), out.size(), out.begin());
  out[6] = static_cast<std::uint8_t>((out[6] & 0x0fU) | 0x80U);
  out[8] = static_cast<std::uint8_t>((out[8] & 0x3fU) | 0x80U);
  return out;
}

}  // namespace dpi
