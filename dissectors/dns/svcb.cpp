#include "dissectors/dns/svcb.h"

#include <algorithm>
#include <array>
#include <vector>

#include "probe/base/byte_cursor.h"

namespace dpi {
namespace {

namespace key {
constexpr std::uint16_t mandatory = 0, alpn = 1, no_default_alpn = 2, port = 3, ipv4hint = 4,
                        ech = 5, ipv6hint = 6, ohttp = 8, tls_supported_groups = 9;
}  // namespace key

// RFC 9460 §14.3.2, RFC 9461 §5 (dohpath), RFC 9540 §4 (ohttp).
std::string key_name(std::uint16_t code) {
  constexpr std::array<std::string_view, 10> names{
      "mandatory", "alpn",     "no-default-alpn", "port",  "ipv4hint",
      "ech",       "ipv6hint", "dohpath",         "ohttp", "tls-supported-groups"};
  return code < names.size() ? std::string{names[code]} : "key" + std::to_string(code);
}

// Items of a list, which commas part.
class Items {
 public:
  explicit Items(std::string& out) : out_(out) {}
  std::string& next() {
    if (!first_) out_ += ',';
    first_ = false;
    return out_;
  }

 private:
  std::string& out_;
  bool first_ = true;
};

// Around a value that would end early without (RFC 1035 §5.1).
class Quotes {
 public:
  Quotes(std::string& out, Bytes value)
      : out_(out), needed_(std::any_of(value.begin(), value.end(), [](std::uint8_t b) {
          return b == ' ' || b == '\t' || b == ';' || b == '(' || b == ')';
        })) {
    if (needed_) append_pct(out_, std::uint8_t{'"'});
  }
  Quotes(const Quotes&) = delete;
  Quotes& operator=(const Quotes&) = delete;
  ~Quotes() {
    if (needed_) append_pct(out_, std::uint8_t{'"'});
  }

 private:
  std::string& out_;
  bool needed_;
};

// RFC 9460 appendix A.1: a comma or backslash inside an item is escaped.
bool append_alpn(std::string& out, Bytes value) {
  const Quotes quotes{out, value};
  ByteCursor in{value};
  Items items{out};
  while (in.left() > 0) {
    const Bytes id = in.take(in.u8());
    if (!in.ok() || id.empty()) return false;
    items.next();
    for (const std::uint8_t b : id) {
      if (b == ',' || b == '\\' || b == '"') out += "%5C";
      if (b == '\\') {
        out += "%5C";
      } else {
        append_pct(out, b);
      }
    }
  }
  return !value.empty();
}

bool append_addresses(std::string& out, Bytes value, std::size_t size) {
  ByteCursor in{value};
  Items items{out};
  while (in.left() >= size) append_ip(items.next(), IpAddress::from_wire(in.take(size)));
  return !value.empty() && in.left() == 0;
}

bool append_numbers(std::string& out, Bytes value) {
  ByteCursor in{value};
  Items items{out};
  while (in.left() >= 2) items.next() += std::to_string(in.be16());
  return !value.empty() && in.left() == 0;
}

// RFC 9460 §8: in increasing order, never itself. They must be there: `required`.
bool append_mandatory(std::string& out, Bytes value, std::vector<std::uint16_t>& required) {
  ByteCursor in{value};
  Items items{out};
  std::uint16_t before = key::mandatory;
  while (in.left() >= 2) {
    const std::uint16_t code = in.be16();
    if (code <= before) return false;
    before = code;
    required.push_back(code);
    items.next() += key_name(code);
  }
  return !value.empty() && in.left() == 0;
}

// RFC 9460 §2.1: a character string.
void append_character_string(std::string& out, Bytes value) {
  const Quotes quotes{out, value};
  for (const std::uint8_t b : value) {
    if (b == '"' || b == '\\') append_pct(out, std::uint8_t{'\\'});
    append_pct(out, b);
  }
}

bool append_value(std::string& out, std::uint16_t code, Bytes value,
                  std::vector<std::uint16_t>& required) {
  switch (code) {
    case key::mandatory:
      return append_mandatory(out, value, required);
    case key::alpn:
      return append_alpn(out, value);
    case key::no_default_alpn:
    case key::ohttp:
      return value.empty();
    case key::port:
      return value.size() == 2 && append_numbers(out, value);
    case key::ipv4hint:
      return append_addresses(out, value, 4);
    case key::ipv6hint:
      return append_addresses(out, value, 16);
    case key::ech:
      out += base64(value);
      return !value.empty();
    case key::tls_supported_groups:
      return append_numbers(out, value);
    default:
      append_character_string(out, value);
      return true;
  }
}

}  // namespace

void write_svcb(RdataWriter& w) {
  w.number16();
  w.name();
  std::vector<std::uint16_t> required;  // and not seen yet, in increasing order
  std::size_t seen = 0;
  std::int32_t before = -1;
  while (w.ok() && w.left() > 0) {
    const auto code = static_cast<std::uint16_t>(w.read(2));
    const Bytes value = w.take(w.read(2));
    if (!w.ok()) return;
    // RFC 9460 §2.2: keys in strictly increasing order.
    if (std::int32_t{code} <= before) return w.refuse();
    before = code;
    std::string pair = key_name(code);
    if (!value.empty()) pair += '=';
    if (!append_value(pair, code, value, required)) return w.refuse();
    if (seen < required.size() && required[seen] == code) ++seen;
    w.text(pair);
  }
  if (seen < required.size()) w.refuse();
}

}  // namespace dpi
