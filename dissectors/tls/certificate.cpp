#include "dissectors/tls/certificate.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <vector>

#include "probe/base/byte_cursor.h"
#include "probe/base/hex.h"

namespace dpi {
namespace {

namespace tag {
constexpr std::uint8_t oid = 0x06, utf8 = 0x0c, numeric = 0x12, printable = 0x13, t61 = 0x14,
                       ia5 = 0x16, utc_time = 0x17, generalized_time = 0x18, visible = 0x1a,
                       universal = 0x1c, bmp = 0x1e, sequence = 0x30, set = 0x31, version = 0xa0;
}  // namespace tag

struct Element {
  std::uint8_t tag = 0;  // 0: there is none
  Bytes content;
  Bytes whole;
};

// X.690 §8.1 and §10.1: definite lengths only; no tag of ours needs more than a byte.
Element next_element(ByteCursor& in) noexcept {
  const Bytes rest = in.rest();
  Element out;
  const std::uint8_t tag = in.u8();
  std::size_t length = in.u8();
  if (length == 0x80U || length > 0x83U) return {};
  if (length > 0x80U) {
    std::size_t value = 0;
    for (std::size_t i = length - 0x80U; i > 0; --i) value = value << 8U | in.u8();
    length = value;
  }
  out.content = in.take(length);
  if (!in.ok()) return {};
  out.tag = tag;
  out.whole = rest.first(rest.size() - in.left());
  return out;
}

Element expect(ByteCursor& in, std::uint8_t tag) noexcept {
  const Element out = next_element(in);
  return out.tag == tag ? out : Element{};
}

// Attribute types by their DER content; those of RFC 4514 §3 and what certificates use besides.
struct AttributeName {
  std::string_view oid;
  std::string_view name;
};
constexpr std::array attribute_names{
    AttributeName{"\x55\x04\x03", "CN"},
    AttributeName{"\x55\x04\x04", "SN"},
    AttributeName{"\x55\x04\x05", "serialNumber"},
    AttributeName{"\x55\x04\x06", "C"},
    AttributeName{"\x55\x04\x07", "L"},
    AttributeName{"\x55\x04\x08", "ST"},
    AttributeName{"\x55\x04\x09", "STREET"},
    AttributeName{"\x55\x04\x0a", "O"},
    AttributeName{"\x55\x04\x0b", "OU"},
    AttributeName{"\x55\x04\x0c", "title"},
    AttributeName{"\x55\x04\x0d", "description"},
    AttributeName{"\x55\x04\x0f", "businessCategory"},
    AttributeName{"\x55\x04\x11", "postalCode"},
    AttributeName{"\x55\x04\x2a", "GN"},
    AttributeName{"\x55\x04\x2e", "dnQualifier"},
    AttributeName{"\x55\x04\x61", "organizationIdentifier"},
    AttributeName{"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", "UID"},
    AttributeName{"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", "DC"},
    AttributeName{"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", "emailAddress"},
    AttributeName{"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x02", "unstructuredName"},
    AttributeName{"\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x01", "jurisdictionL"},
    AttributeName{"\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x02", "jurisdictionST"},
    AttributeName{"\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x03", "jurisdictionC"},
};

// X.690 §8.19: base 128, the first subidentifier holds two arcs.
std::string dotted(Bytes oid) {
  std::string out;
  std::uint64_t value = 0;
  bool first = true;
  for (const std::uint8_t b : oid) {
    value = (value & 0x01ff'ffff'ffff'ffffU) << 7U | (b & 0x7fU);
    if ((b & 0x80U) != 0) continue;
    if (first) {
      const std::uint64_t arc = std::min<std::uint64_t>(value / 40, 2);
      out = std::to_string(arc) + "." + std::to_string(value - arc * 40);
      first = false;
    } else {
      out += "." + std::to_string(value);
    }
    value = 0;
  }
  return out;
}

void append_utf8(std::string& out, std::uint32_t c) {
  const auto continuation = [&](unsigned shift) {
    out.push_back(static_cast<char>(0x80U | (c >> shift & 0x3fU)));
  };
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xc0U | c >> 6U));
    continuation(0);
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xe0U | c >> 12U));
    continuation(6);
    continuation(0);
  } else {
    out.push_back(static_cast<char>(0xf0U | (c >> 18U & 7U)));
    continuation(12);
    continuation(6);
    continuation(0);
  }
}

// A directory string as UTF-8; nothing for types that are no text.
std::optional<std::string> string_value(const Element& e) {
  std::string out;
  ByteCursor in(e.content);
  switch (e.tag) {
    case tag::utf8:
    case tag::numeric:
    case tag::printable:
    case tag::ia5:
    case tag::visible:
      return std::string{as_text(e.content)};
    case tag::t61:  // in practice Latin-1
      while (in.left() > 0) append_utf8(out, in.u8());
      return out;
    case tag::bmp:
      while (in.left() >= 2) append_utf8(out, in.be16());
      return out;
    case tag::universal:
      while (in.left() >= 4) append_utf8(out, in.be32());
      return out;
    default:
      return std::nullopt;
  }
}

// RFC 4514 §2.4.
void append_escaped(std::string& out, std::string_view value) {
  constexpr std::string_view special = "\"+,;<>\\";
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    const bool at_edge = (i == 0 && (c == ' ' || c == '#')) || (i + 1 == value.size() && c == ' ');
    if (c == '\0') {
      out += "\\00";
      continue;
    }
    if (at_edge || special.find(c) != std::string_view::npos) out.push_back('\\');
    out.push_back(c);
  }
}

bool append_attribute(std::string& out, Bytes content) {
  ByteCursor in(content);
  const Element oid = expect(in, tag::oid);
  const Element value = next_element(in);
  if (oid.tag == 0 || value.tag == 0) return false;
  const auto* const known =
      std::find_if(attribute_names.begin(), attribute_names.end(),
                   [&](const AttributeName& a) { return a.oid == as_text(oid.content); });
  const std::optional<std::string> text = string_value(value);
  out += known != attribute_names.end() ? std::string{known->name} : dotted(oid.content);
  out.push_back('=');
  if (text) {
    append_escaped(out, *text);
  } else {
    out.push_back('#');
    append_hex(out, value.whole);
  }
  return true;
}

// RFC 4514 §2.1: the last RDN first.
std::optional<std::string> name_text(Bytes name) {
  std::vector<std::string> rdns;
  for (ByteCursor in(name); in.left() > 0;) {
    const Element rdn = expect(in, tag::set);
    if (rdn.tag == 0) return std::nullopt;
    std::string text;
    for (ByteCursor attributes(rdn.content); attributes.left() > 0;) {
      const Element attribute = expect(attributes, tag::sequence);
      if (!text.empty()) text.push_back('+');
      if (attribute.tag == 0 || !append_attribute(text, attribute.content)) return std::nullopt;
    }
    rdns.push_back(std::move(text));
  }
  std::string out;
  for (auto rdn = rdns.rbegin(); rdn != rdns.rend(); ++rdn) {
    if (rdn != rdns.rbegin()) out.push_back(',');
    out += *rdn;
  }
  return out;
}

// RFC 5280 §4.1.2.5: YYMMDDhhmmssZ (1950–2049) or YYYYMMDDhhmmssZ; nothing for other forms.
std::optional<Timestamp> time_value(const Element& e) noexcept {
  const bool utc = e.tag == tag::utc_time;
  if (!utc && e.tag != tag::generalized_time) return std::nullopt;
  std::string_view text = as_text(e.content);
  if (text.size() != (utc ? 13U : 15U) || text.back() != 'Z') return std::nullopt;
  text.remove_suffix(1);
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  const auto pair = [&](std::size_t at) { return (text[at] - '0') * 10 + (text[at + 1] - '0'); };
  const int short_year = pair(0);
  const int year = utc ? short_year + (short_year < 50 ? 2000 : 1900) : short_year * 100 + pair(2);
  const std::size_t at = utc ? 2 : 4;
  using namespace std::chrono;
  const year_month_day date{std::chrono::year{year}, month{static_cast<unsigned>(pair(at))},
                            day{static_cast<unsigned>(pair(at + 2))}};
  const int h = pair(at + 4);
  const int m = pair(at + 6);
  const int s = pair(at + 8);
  if (!date.ok() || h > 23 || m > 59 || s > 60) return std::nullopt;
  if (year < 1970) return timestamp(0);
  if (year > 2261) return Timestamp{sys_days{2262y / January / 1}} - seconds{1};
  return Timestamp{sys_days{date}} + hours{h} + minutes{m} + seconds{s};
}

}  // namespace

std::optional<CertificateFacts> parse_certificate(Bytes der) {
  ByteCursor file(der);
  ByteCursor certificate(expect(file, tag::sequence).content);
  ByteCursor in(expect(certificate, tag::sequence).content);
  Element serial = next_element(in);
  if (serial.tag == tag::version) serial = next_element(in);
  const Element algorithm = expect(in, tag::sequence);
  const Element issuer = expect(in, tag::sequence);
  const Element validity = expect(in, tag::sequence);
  const Element subject = expect(in, tag::sequence);
  if (serial.tag == 0 || algorithm.tag == 0 || issuer.tag == 0 || validity.tag == 0 ||
      subject.tag == 0) {
    return std::nullopt;
  }
  auto issuer_text = name_text(issuer.content);
  auto subject_text = name_text(subject.content);
  if (!issuer_text || !subject_text) return std::nullopt;
  CertificateFacts out;
  out.issuer = std::move(*issuer_text);
  out.subject = std::move(*subject_text);
  ByteCursor times(validity.content);
  out.not_before = time_value(next_element(times));
  out.not_after = time_value(next_element(times));
  return out;
}

}  // namespace dpi
