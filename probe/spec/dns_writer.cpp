#include "probe/spec/dns_writer.h"

#include <optional>

#include "probe/base/hex.h"
#include "probe/base/time.h"
#include "probe/spec/recipe.h"

namespace dpi::spec {
namespace {

std::optional<std::uint64_t> signature_time(std::string_view t) {
  const auto part = [&](std::size_t at, std::size_t n) { return std::string{t.substr(at, n)}; };
  const auto time = parse_time(part(0, 4) + "-" + part(4, 2) + "-" + part(6, 2) + "T" + part(8, 2) +
                               ":" + part(10, 2) + ":" + part(12, 2) + ".000000000Z");
  if (!time) return std::nullopt;
  return static_cast<std::uint64_t>(nanoseconds(*time) / 1'000'000'000);
}

}  // namespace

bool DnsWriter::refuse(std::string what) {
  problem_ = std::move(what);
  return false;
}

void DnsWriter::be(std::uint64_t value, unsigned bytes) {
  for (unsigned i = bytes; i-- > 0;) out_.push_back(static_cast<std::uint8_t>(value >> 8U * i));
}

bool DnsWriter::number(std::string_view text, unsigned bytes) {
  auto value = parse_number(text);
  // Times of signatures read YYYYMMDDHHMMSS (RFC 4034 §3.2).
  if (bytes == 4 && text.size() == 14 && value) value = signature_time(text);
  if (!value || *value >> 8U * bytes != 0)
    return refuse(std::string{text} + " is no number of " + std::to_string(bytes) + " bytes");
  be(*value, bytes);
  return true;
}

bool DnsWriter::hex(std::string_view text) {
  if (text == "-") return true;  // none
  const auto bytes = parse_hex(text);
  if (!bytes) return refuse(std::string{text} + " is not hexadecimal");
  out_.insert(out_.end(), bytes->begin(), bytes->end());
  return true;
}

bool DnsWriter::character_string(std::string_view text) {
  if (text.size() > 255) return refuse("a character-string of more than 255 bytes");
  be(text.size(), 1);
  out_.insert(out_.end(), text.begin(), text.end());
  return true;
}

bool DnsWriter::name(std::string_view text) {
  if (text.starts_with("x:")) return hex(text.substr(2));
  if (text.starts_with("nb:")) return netbios(text.substr(3));
  const std::size_t at = text.rfind('@');
  std::optional<std::uint64_t> pointer;
  if (at != std::string_view::npos) {
    pointer = parse_number(text.substr(at + 1));
    if (!pointer || *pointer > 0x3fffU) return refuse("a pointer is @ and an offset to 16383");
    text = text.substr(0, at);
  }
  if (text == ".") text = {};
  std::string label;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || text[i] == '.') {
      if (label.empty()) {
        if (i == text.size()) break;  // the end, perhaps behind a final dot
        return refuse("an empty label");
      }
      if (label.size() > 63) return refuse("a label of more than 63 bytes; write x:HEX");
      if (!character_string(label)) return false;
      label.clear();
    } else if (text[i] == '\\') {
      const auto byte = i + 3 < text.size() ? parse_number(text.substr(i + 1, 3)) : std::nullopt;
      if (!byte || *byte > 255) return refuse("\\ needs three decimal digits");
      label.push_back(static_cast<char>(*byte));
      i += 3;
    } else {
      label.push_back(text[i]);
    }
  }
  if (pointer) {
    be(0xc000U | *pointer, 2);
  } else {
    be(0, 1);
  }
  return true;
}

bool DnsWriter::netbios(std::string_view text) {
  const std::size_t open = text.find('<');
  const auto kind = open == std::string_view::npos || open > 15 || text.size() != open + 4
                        ? std::nullopt
                        : parse_hex(text.substr(open + 1, 2));
  if (!kind) return refuse("a NetBIOS name is nb:NAME<hh>, at most 15 characters");
  std::string plain{text.substr(0, open)};
  plain.resize(15, ' ');
  plain.push_back(static_cast<char>((*kind)[0]));
  std::string label;
  for (const char c : plain) {
    label.push_back(static_cast<char>('A' + (static_cast<std::uint8_t>(c) >> 4U)));
    label.push_back(static_cast<char>('A' + (static_cast<std::uint8_t>(c) & 15U)));
  }
  if (!character_string(label)) return false;
  be(0, 1);
  return true;
}

}  // namespace dpi::spec
