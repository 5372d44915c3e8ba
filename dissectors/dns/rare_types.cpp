#include "dissectors/dns/rare_types.h"

#include <algorithm>
#include <array>
#include <optional>

namespace dpi {
namespace {

std::string padded(std::uint64_t value, std::size_t digits) {
  const std::string text = std::to_string(value);
  return std::string(digits - std::min(digits, text.size()), '0') + text;
}

// RFC 1876 §2: two digits, a power of ten, in centimetres.
std::optional<std::uint64_t> centimetres(std::size_t size) {
  std::uint64_t value = size >> 4U;
  if (value > 9 || (size & 15U) > 9) return std::nullopt;
  for (std::size_t power = size & 15U; power > 0; --power) value *= 10;
  return value;
}

std::string metres(std::uint64_t in_centimetres) {
  return std::to_string(in_centimetres / 100) + "." + padded(in_centimetres % 100, 2) + "m";
}

// Thousandths of a second of arc from 2^31.
void write_angle(RdataWriter& w, std::size_t angle, std::uint64_t degrees_max,
                 std::string_view positive, std::string_view negative) {
  constexpr std::uint64_t equator = 1ULL << 31U;
  const std::uint64_t thousandths = angle >= equator ? angle - equator : equator - angle;
  if (thousandths > degrees_max * 3'600'000) return w.refuse();
  w.number(thousandths / 3'600'000);
  w.number(thousandths / 60'000 % 60);
  w.text(std::to_string(thousandths / 1000 % 60) + "." + padded(thousandths % 1000, 3));
  w.text(angle >= equator ? positive : negative);
}

// RFC 4025 §2.5, RFC 8777 §4.2.3: none, an address, or a name.
void write_gateway(RdataWriter& w, std::size_t type) {
  switch (type) {
    case 0:
      return w.text(".");
    case 1:
      return w.address(4);
    case 2:
      return w.address(16);
    case 3:
      return w.name_with_dot();
    default:
      return w.refuse();
  }
}

}  // namespace

// RFC 1035 §3.4.2: address, protocol, ports.
void write_wks(RdataWriter& w) {
  w.address(4);
  w.number8();
  const Bytes ports = w.take(w.left());
  if (ports.size() > 8192) return w.refuse();
  for (std::size_t port = 0; port < ports.size() * 8; ++port) {
    if ((ports[port / 8] >> (7 - port % 8) & 1U) != 0) w.number(port);
  }
}

// RFC 1876 §3: sizes at the end that are the defaults are left out.
void write_loc(RdataWriter& w) {
  constexpr std::array<std::uint64_t, 3> defaults{100, 1'000'000, 1000};
  if (w.read(1) != 0) return w.refuse();
  std::array<std::uint64_t, 3> sizes{};
  for (std::uint64_t& size : sizes) {
    const auto value = centimetres(w.read(1));
    if (!value) return w.refuse();
    size = *value;
  }
  write_angle(w, w.read(4), 90, "N", "S");
  write_angle(w, w.read(4), 180, "E", "W");
  constexpr std::uint64_t ground = 10'000'000;  // 100 km below the ellipsoid is 0
  const std::uint64_t altitude = w.read(4);
  w.text(altitude >= ground ? metres(altitude - ground) : "-" + metres(ground - altitude));
  std::size_t told = sizes.size();
  while (told > 0 && sizes[told - 1] == defaults[told - 1]) --told;
  for (std::size_t i = 0; i < told; ++i) w.text(metres(sizes[i]));
}

// RFC 2535 §5.2: the first 128 types, one bit each.
void write_nxt(RdataWriter& w) {
  w.name_with_dot();
  const Bytes bits = w.take(w.left());
  if (bits.size() > 16) return w.refuse();
  for (std::size_t type = 0; type < bits.size() * 8; ++type) {
    if ((bits[type / 8] >> (7 - type % 8) & 1U) != 0)
      w.text(dns_type_name(static_cast<std::uint16_t>(type)));
  }
}

// RFC 2874 §3.1.
void write_a6(RdataWriter& w) {
  const std::size_t prefix = w.read(1);
  if (prefix > 128) return w.refuse();
  w.number(prefix);
  std::array<std::uint8_t, 16> address{};
  const Bytes suffix = w.take(16 - prefix / 8);
  std::copy(suffix.begin(), suffix.end(),
            address.end() - static_cast<std::ptrdiff_t>(suffix.size()));
  if (w.ok()) w.text(ip_text(IpAddress::from_wire(address)));
  if (prefix > 0) w.name_with_dot();
}

// RFC 3123 §4: trailing zero bytes of an address are not on the wire.
void write_apl(RdataWriter& w) {
  while (w.ok() && w.left() > 0) {
    const std::size_t family = w.read(2);
    const std::size_t prefix = w.read(1);
    const std::size_t negation_and_length = w.read(1);
    const Bytes part = w.take(negation_and_length & 0x7fU);
    const std::size_t size = family == 1 ? 4 : 16;
    if ((family != 1 && family != 2) || part.size() > size || prefix > size * 8) return w.refuse();
    std::array<std::uint8_t, 16> address{};
    std::copy(part.begin(), part.end(), address.begin());
    w.text(std::string{(negation_and_length & 0x80U) != 0 ? "!" : ""} + std::to_string(family) +
           ":" + ip_text(IpAddress::from_wire(Bytes{address}.first(size))) + "/" +
           std::to_string(prefix));
  }
}

// RFC 4025 §3.1.
void write_ipseckey(RdataWriter& w) {
  w.number8();
  const std::size_t gateway = w.read(1);
  w.number(gateway);
  w.number8();
  write_gateway(w, gateway);
  if (w.left() > 0) w.base64_rest();
}

// RFC 8005 §6: the identity tag in upper-case hex, then servers.
void write_hip(RdataWriter& w) {
  const std::size_t tag_bytes = w.read(1);
  w.number8();
  const std::size_t key_bytes = w.read(2);
  const Bytes tag = w.take(tag_bytes);
  std::string text = hex(tag);
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c; });
  w.text(text);
  w.base64(key_bytes);
  while (w.ok() && w.left() > 0) w.name_with_dot();
}

// RFC 8777 §4.3.1.
void write_amtrelay(RdataWriter& w) {
  w.number8();
  const std::size_t discovery_and_type = w.read(1);
  w.number(discovery_and_type >> 7U);
  w.number(discovery_and_type & 0x7fU);
  write_gateway(w, discovery_and_type & 0x7fU);
}

// RFC 1706 §7.
void write_nsap(RdataWriter& w) {
  w.text("0x" + hex(w.take(w.left())));
}

void write_node_id(RdataWriter& w) {
  w.number16();
  const Bytes id = w.take(8);
  if (!w.ok()) return;
  std::string text;
  for (std::size_t i = 0; i < id.size(); i += 2) {
    if (i > 0) text += ':';
    append_hex(text, id.subspan(i, 2));
  }
  w.text(text);
}

void write_eui(RdataWriter& w, std::size_t bytes) {
  std::string text;
  for (const std::uint8_t& b : w.take(bytes)) {
    if (!text.empty()) text += '-';
    append_hex(text, Bytes{&b, 1});
  }
  w.text(text);
}

}  // namespace dpi
