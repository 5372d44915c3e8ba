#include "dissectors/dns/rdata.h"

#include <array>
#include <optional>

#include "dissectors/dns/message.h"
#include "dissectors/dns/name.h"
#include "probe/base/byte_cursor.h"
#include "probe/base/hex.h"
#include "probe/base/ip_address.h"

namespace dpi {
namespace {

constexpr std::string_view space = "%20";
constexpr std::string_view upper_hex = "0123456789ABCDEF";

// Reads fields of one record and writes them apart by a space; fails for good at the first bad one.
class RdataWriter {
 public:
  RdataWriter(std::string& out, Bytes message, std::size_t offset, std::size_t length)
      : out_(out), message_(message), at_(offset), end_(offset + length) {}

  void number8() { number(read(1)); }
  void number16() { number(read(2)); }
  void number32() { number(read(4)); }
  void type16() { text(dns_type_name(static_cast<std::uint16_t>(read(2)))); }
  void name() {
    separate();
    if (!ok_) return;
    const DnsNameResult result = append_dns_name(out_, message_, at_, end_);
    if (result.refused) {
      ok_ = false;
      return;
    }
    at_ = result.next;
  }
  void address(std::size_t size) {
    const Bytes wire = take(size);
    if (ok_) text(ip_text(IpAddress::from_wire(wire)));
  }
  // <character-string>: quoted, as masters write it; the quote itself is %22 in pct-text.
  void character_string() {
    const std::size_t length = read(1);
    quoted(take(length));
  }
  void hex_rest() {
    const Bytes rest = take(left());
    if (ok_) text(rest.empty() ? "-" : hex(rest));
  }
  void hex_counted() {
    const Bytes bytes = take(read(1));
    if (ok_) text(bytes.empty() ? "-" : hex(bytes));
  }
  void base64_rest() {
    const Bytes rest = take(left());
    if (ok_) text(base64(rest));
  }
  // RFC 4648 §7 without padding, as NSEC3 writes the hashed owner.
  void base32hex_counted() {
    constexpr std::string_view digits = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
    const Bytes bytes = take(read(1));
    std::string out;
    std::uint32_t group = 0;
    std::uint32_t bits = 0;
    for (const std::uint8_t b : bytes) {
      group = (group << 8U | b) & 0xffffU;
      bits += 8;
      while (bits >= 5) {
        bits -= 5;
        out.push_back(digits[group >> bits & 31U]);
      }
    }
    if (bits > 0) out.push_back(digits[group << (5 - bits) & 31U]);
    if (ok_) text(out);
  }
  // RFC 4034 §4.1.2: windows of type bits.
  void type_bitmap() {
    while (ok_ && left() > 0) {
      const std::size_t window = read(1);
      const std::size_t length = read(1);
      if (length == 0 || length > 32) ok_ = false;
      const Bytes bits = take(length);
      for (std::size_t i = 0; ok_ && i < bits.size() * 8; ++i) {
        if ((bits[i / 8] >> (7 - i % 8) & 1U) != 0) {
          text(dns_type_name(static_cast<std::uint16_t>(window * 256 + i)));
        }
      }
    }
  }
  void quoted(Bytes bytes) {
    separate();
    if (!ok_) return;
    out_ += "%22";
    for (const std::uint8_t b : bytes) {
      const bool plain = b >= 0x21 && b <= 0x7e && b != '"' && b != '\\' && b != '%';
      if (plain) {
        out_.push_back(static_cast<char>(b));
      } else {
        out_.push_back('%');
        out_.push_back(upper_hex[b >> 4U]);
        out_.push_back(upper_hex[b & 15U]);
      }
    }
    out_ += "%22";
  }
  void text(std::string_view value) {
    separate();
    if (ok_) out_ += value;
  }
  void number(std::uint64_t value) {
    if (ok_) text(std::to_string(value));
  }
  std::size_t read(std::size_t bytes) {
    std::size_t value = 0;
    for (const std::uint8_t b : take(bytes)) value = value << 8U | b;
    return value;
  }
  Bytes take(std::size_t bytes) {
    if (!ok_ || bytes > left()) {
      ok_ = false;
      return {};
    }
    const Bytes taken = message_.subspan(at_, bytes);
    at_ += bytes;
    return taken;
  }
  [[nodiscard]] std::size_t left() const { return end_ - at_; }
  [[nodiscard]] bool complete() const { return ok_ && at_ == end_; }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  void separate() {
    if (!first_) out_ += space;
    first_ = false;
  }
  std::string& out_;
  Bytes message_;
  std::size_t at_;
  std::size_t end_;
  bool ok_ = true;
  bool first_ = true;
};

void write_soa(RdataWriter& w) {
  w.name();
  w.name();
  for (int i = 0; i < 5; ++i) w.number32();
}

void write_txt(RdataWriter& w) {
  while (w.ok() && w.left() > 0) w.character_string();
}

void write_naptr(RdataWriter& w) {
  w.number16();
  w.number16();
  for (int i = 0; i < 3; ++i) w.character_string();
  w.name();
}

// RFC 4034 §3.2.
void write_rrsig(RdataWriter& w) {
  w.type16();
  w.number8();
  w.number8();
  for (int i = 0; i < 3; ++i) w.number32();
  w.number16();
  w.name();
  w.base64_rest();
}

void write_nsec3(RdataWriter& w, bool parameters_only) {
  w.number8();
  w.number8();
  w.number16();
  w.hex_counted();
  if (parameters_only) return;
  w.base32hex_counted();
  w.type_bitmap();
}

// RFC 9460 §2.1: priority, target, then key=value pairs; values as keyNNN hex where they are not
// plain text.
void write_svcb(RdataWriter& w) {
  constexpr std::array<std::string_view, 7> keys{"mandatory", "alpn", "no-default-alpn", "port",
                                                 "ipv4hint",  "ech",  "ipv6hint"};
  w.number16();
  w.name();
  while (w.ok() && w.left() > 0) {
    const std::size_t key = w.read(2);
    Bytes value = w.take(w.read(2));
    if (!w.ok()) return;
    std::string pair = key < keys.size() ? std::string{keys[key]} : "key" + std::to_string(key);
    if (!value.empty()) pair += "=";
    if (key == 1) {
      bool first = true;
      while (!value.empty() && value[0] < value.size()) {
        if (!first) pair += ",";
        first = false;
        for (const std::uint8_t b : value.subspan(1, value[0])) {
          const bool plain = b >= 0x21 && b <= 0x7e && b != '"' && b != '\\' && b != '%';
          pair += plain ? std::string(1, static_cast<char>(b))
                        : std::string{"%"} + upper_hex[b >> 4U] + upper_hex[b & 15U];
        }
        value = value.subspan(std::size_t{value[0]} + 1);
      }
    } else if (key == 3 && value.size() == 2) {
      pair += std::to_string(value[0] << 8U | value[1]);
    } else if ((key == 4 && value.size() % 4 == 0) || (key == 6 && value.size() % 16 == 0)) {
      const std::size_t size = key == 4 ? 4 : 16;
      for (std::size_t i = 0; i < value.size(); i += size) {
        if (i != 0) pair += ",";
        append_ip(pair, IpAddress::from_wire(value.subspan(i, size)));
      }
    } else {
      append_hex(pair, value);
    }
    w.text(pair);
  }
}

// True when the data followed its type's form to its end; nothing when the type has no form here.
std::optional<bool> write_known(RdataWriter& w, std::uint16_t type) {
  switch (type) {
    case 1:
      w.address(4);
      break;
    case 28:
      w.address(16);
      break;
    case 2:
    case 3:
    case 4:
    case 5:
    case 7:
    case 8:
    case 9:
    case 12:
    case 39:
      w.name();
      break;
    case 6:
      write_soa(w);
      break;
    case 13:  // HINFO
      w.character_string();
      w.character_string();
      break;
    case 14:  // MINFO
    case 17:  // RP
      w.name();
      w.name();
      break;
    case 15:  // MX
    case 18:  // AFSDB
    case 21:  // RT
    case 36:  // KX
      w.number16();
      w.name();
      break;
    case 16:
    case 99:
      write_txt(w);
      break;
    case 33:  // SRV
      w.number16();
      w.number16();
      w.number16();
      w.name();
      break;
    case 35:
      write_naptr(w);
      break;
    case 43:     // DS
    case 59:     // CDS
    case 32769:  // DLV
      w.number16();
      w.number8();
      w.number8();
      w.hex_rest();
      break;
    case 44:  // SSHFP
      w.number8();
      w.number8();
      w.hex_rest();
      break;
    case 24:
    case 46:
      write_rrsig(w);
      break;
    case 47:
      w.name();
      w.type_bitmap();
      break;
    case 25:
    case 48:
    case 60:
      w.number16();
      w.number8();
      w.number8();
      w.base64_rest();
      break;
    case 50:
      write_nsec3(w, false);
      break;
    case 51:
      write_nsec3(w, true);
      break;
    case 52:
    case 53:
      w.number8();
      w.number8();
      w.number8();
      w.hex_rest();
      break;
    case 64:
    case 65:
      write_svcb(w);
      break;
    case 256:
      w.number16();
      w.number16();
      w.quoted(w.take(w.left()));
      break;
    case 257: {  // CAA, RFC 8659 §4.1.1
      w.number8();
      const Bytes tag = w.take(w.read(1));
      for (const std::uint8_t c : tag) {
        if ((c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')) return false;
      }
      w.text(as_text(tag));
      w.quoted(w.take(w.left()));
      break;
    }
    default:
      return std::nullopt;
  }
  return w.complete();
}

}  // namespace

bool append_rdata(std::string& out, Bytes message, std::size_t offset, std::size_t length,
                  std::uint16_t type) {
  const std::size_t before = out.size();
  RdataWriter writer(out, message, offset, length);
  const std::optional<bool> written = write_known(writer, type);
  // Empty data is legal in updates (RFC 2136 §2.4) and has only the generic form.
  if (length > 0 && written.value_or(false)) return true;
  out.resize(before);
  out += "%5C#";  // RFC 3597 §5: \#, the backslash as pct-text
  out += space;
  out += std::to_string(length);
  if (length > 0) {
    out += space;
    append_hex(out, message.subspan(offset, length));
  }
  return length == 0 || !written;
}

}  // namespace dpi
