// Fields of one record's data, read in order and written apart by a space; the first bad one fails
// the rest for good.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "dissectors/dns/message.h"
#include "dissectors/dns/name.h"
#include "probe/base/hex.h"
#include "probe/base/ip_address.h"
#include "probe/base/pct_text.h"

namespace dpi {

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
  // <character-string>: quoted, as masters write it (RFC 1035 §5.1).
  void character_string() {
    const std::size_t length = read(1);
    quoted(take(length));
  }
  // As a master file writes a name that is complete (RFC 1035 §5.1).
  void name_with_dot() {
    name();
    if (ok_ && out_.back() != '.') out_ += '.';
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
    if (ok_) text(dpi::base64(rest));
  }
  void base64(std::size_t bytes) {
    const Bytes taken = take(bytes);
    if (ok_) text(dpi::base64(taken));
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
      if (b == '"' || b == '\\') append_pct(out_, std::uint8_t{'\\'});
      append_pct(out_, b);
    }
    out_ += "%22";
  }
  void refuse() { ok_ = false; }
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
  static constexpr std::string_view space = "%20";

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

}  // namespace dpi
