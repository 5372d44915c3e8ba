#include "dissectors/dns/nbns.h"

#include <array>

#include "dissectors/dns/message.h"
#include "probe/base/byte_cursor.h"
#include "probe/base/hex.h"
#include "probe/base/ip_address.h"
#include "probe/base/pct_text.h"

namespace dpi {
namespace {

constexpr std::uint16_t type_nb = 32, type_nbstat = 33;
constexpr std::size_t name_bytes = 16, label_characters = 2 * name_bytes;

// Fifteen characters padded with spaces, and the kind of the name.
void append_netbios(std::string& out, Bytes name) {
  std::size_t length = name_bytes - 1;
  while (length > 0 && name[length - 1] == ' ') --length;
  for (const std::uint8_t b : name.first(length)) append_pct(out, b);
  out.push_back('<');
  append_hex(out, name.subspan(name_bytes - 1));
  out.push_back('>');
}

bool append_nb(std::string& out, Bytes data) {
  if (data.empty() || data.size() % 6 != 0) return false;
  ByteCursor in{data};
  while (in.left() > 0) {
    if (in.position() > 0) out += "%20";
    append_hex(out, in.take(2));
    out += "%20";
    append_ip(out, IpAddress::from_wire(in.take(4)));
  }
  return true;
}

bool append_nbstat(std::string& out, Bytes data) {
  ByteCursor in{data};
  const std::size_t count = in.u8();
  if (!in.ok() || in.left() < count * (name_bytes + 2) + 6) return false;
  for (std::size_t i = 0; i < count; ++i) {
    append_netbios(out, in.take(name_bytes));
    out += "%20";
    append_hex(out, in.take(2));
    out += "%20";
  }
  append_hex(out, in.take(6));  // the unit's hardware address; counters behind it are not kept
  return true;
}

}  // namespace

std::string nbns_name(const std::string& name) {
  if (name.size() < label_characters ||
      (name.size() > label_characters && name[label_characters] != '.')) {
    return name;
  }
  std::array<std::uint8_t, name_bytes> plain{};
  for (std::size_t i = 0; i < label_characters; ++i) {
    const char c = name[i];
    if (c < 'A' || c > 'P') return name;
    plain[i / 2] = static_cast<std::uint8_t>(plain[i / 2] << 4U | (c - 'A'));
  }
  std::string out;
  append_netbios(out, plain);
  return out + name.substr(label_characters);
}

bool append_nbns_rdata(std::string& out, Bytes data, std::uint16_t type) {
  if (type == type_nb) return append_nb(out, data);
  return type == type_nbstat && append_nbstat(out, data);
}

std::string nbns_type_name(std::uint16_t type) {
  if (type == type_nb) return "NB";
  return type == type_nbstat ? "NBSTAT" : dns_type_name(type);
}

std::string nbns_opcode_name(std::uint8_t opcode) {
  switch (opcode) {
    case 5:
      return "REGISTRATION";
    case 6:
      return "RELEASE";
    case 7:
      return "WACK";
    case 8:
    case 9:  // what some implementations send
      return "REFRESH";
    case 15:
      return "MULTIHOMED_REGISTRATION";
    default:
      return dns_opcode_name(opcode);
  }
}

}  // namespace dpi
