#include "dissectors/tls/fingerprint.h"

#include <algorithm>
#include <string_view>

namespace dpi {
namespace {

constexpr std::uint16_t extension_server_name = 0;
constexpr std::uint16_t extension_alpn = 16;
constexpr std::string_view hex_digits = "0123456789abcdef";

void append_decimals(std::string& out, const std::vector<std::uint16_t>& values) {
  bool first = true;
  for (const std::uint16_t v : values) {
    if (is_grease(v)) continue;
    if (!first) out.push_back('-');
    first = false;
    out += std::to_string(v);
  }
}

std::vector<std::uint16_t> without_grease(std::vector<std::uint16_t> values) {
  std::erase_if(values, is_grease);
  return values;
}

void append_hex_list(std::string& out, const std::vector<std::uint16_t>& values) {
  bool first = true;
  for (const std::uint16_t v : values) {
    if (!first) out.push_back(',');
    first = false;
    for (const unsigned shift : {12U, 8U, 4U, 0U}) out.push_back(hex_digits[v >> shift & 15U]);
  }
}

void append_two_digits(std::string& out, std::size_t count) {
  const std::size_t shown = std::min<std::size_t>(count, 99);
  out.push_back(static_cast<char>('0' + shown / 10));
  out.push_back(static_cast<char>('0' + shown % 10));
}

// Numbers of DTLS (0xfeff, 0xfefd, …) count down; a client that names both kinds means the one that
// its carrier has: DTLS.
bool older(std::uint16_t a, std::uint16_t b) noexcept {
  constexpr std::uint16_t dtls_first = 0xfe00;
  return a >= dtls_first && b >= dtls_first ? a > b : a < b;
}

std::string_view ja4_version(const ClientHello& hello) {
  std::uint16_t version = hello.legacy_version;
  const auto offered = without_grease(hello.supported_versions);
  if (!offered.empty()) version = *std::max_element(offered.begin(), offered.end(), older);
  switch (version) {
    case 0x0304:
      return "13";
    case 0x0303:
      return "12";
    case 0x0302:
      return "11";
    case 0x0301:
      return "10";
    case 0x0300:
      return "s3";
    case 0x0002:
      return "s2";
    case 0xfeff:
      return "d1";
    case 0xfefd:
      return "d2";
    case 0xfefc:
      return "d3";
    default:
      return "00";
  }
}

bool is_alphanumeric(std::uint8_t c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// First and last character of the first protocol; of its hexadecimal form when they are not both
// letters or digits.
void append_alpn(std::string& out, const ClientHello& hello) {
  if (hello.alpn.empty() || hello.alpn[0].empty()) {
    out += "00";
    return;
  }
  const std::uint8_t first = hello.alpn[0].front();
  const std::uint8_t last = hello.alpn[0].back();
  if (is_alphanumeric(first) && is_alphanumeric(last)) {
    out.push_back(static_cast<char>(first));
    out.push_back(static_cast<char>(last));
  } else {
    out.push_back(hex_digits[first >> 4U]);
    out.push_back(hex_digits[last & 15U]);
  }
}

char ja4_carrier(TlsCarrier carrier) noexcept {
  switch (carrier) {
    case TlsCarrier::quic:
      return 'q';
    case TlsCarrier::datagrams:
      return 'd';
    default:
      return 't';
  }
}

}  // namespace

std::string ja3_text(const ClientHello& hello) {
  std::string out = std::to_string(hello.legacy_version) + ",";
  append_decimals(out, hello.ciphers);
  out.push_back(',');
  append_decimals(out, hello.extensions);
  out.push_back(',');
  append_decimals(out, hello.groups);
  out.push_back(',');
  bool first = true;
  for (const std::uint8_t format : hello.point_formats) {
    if (!first) out.push_back('-');
    first = false;
    out += std::to_string(format);
  }
  return out;
}

std::string ja3s_text(const ServerHello& hello) {
  std::string out = std::to_string(hello.legacy_version) + "," + std::to_string(hello.cipher) + ",";
  append_decimals(out, hello.extensions);
  return out;
}

Ja4Parts ja4_parts(const ClientHello& hello, TlsCarrier carrier) {
  std::vector<std::uint16_t> ciphers = without_grease(hello.ciphers);
  std::vector<std::uint16_t> extensions = without_grease(hello.extensions);
  Ja4Parts out;
  out.head.push_back(ja4_carrier(carrier));
  out.head += ja4_version(hello);
  out.head.push_back(hello.has_server_name ? 'd' : 'i');
  append_two_digits(out.head, ciphers.size());
  append_two_digits(out.head, extensions.size());
  append_alpn(out.head, hello);

  std::sort(ciphers.begin(), ciphers.end());
  append_hex_list(out.ciphers, ciphers);
  std::erase_if(extensions,
                [](std::uint16_t e) { return e == extension_server_name || e == extension_alpn; });
  std::sort(extensions.begin(), extensions.end());
  append_hex_list(out.extensions, extensions);
  const auto algorithms = without_grease(hello.signature_algorithms);
  if (!out.extensions.empty() && !algorithms.empty()) {
    out.extensions.push_back('_');
    append_hex_list(out.extensions, algorithms);
  }
  return out;
}

}  // namespace dpi
