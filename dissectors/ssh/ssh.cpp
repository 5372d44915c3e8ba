#include "dissectors/ssh/ssh.h"

#include <array>

#include "probe/base/byte_cursor.h"

namespace dpi {
namespace {

constexpr std::uint8_t message_kexinit = 20;
constexpr std::size_t cookie_bytes = 16;
// In wire order: key exchange, host key, then encryption, MAC and compression each for client to
// server and server to client.
enum List : std::size_t { kex, host_key, enc_cs, enc_sc, mac_cs, mac_sc, comp_cs, comp_sc, count };

std::string joined(std::string_view a, std::string_view b, std::string_view c, std::string_view d) {
  std::string out{a};
  for (const std::string_view part : {b, c, d}) {
    out.push_back(';');
    out += part;
  }
  return out;
}

}  // namespace

SshMessage ssh_message_of(Bytes packet) noexcept {
  ByteCursor in(packet);
  in.skip(1);  // padding length
  switch (in.u8()) {
    case 1:
      return in.ok() ? SshMessage::disconnect : SshMessage::other;
    case 2:
    case 3:
    case 4:
      return in.ok() ? SshMessage::ignorable : SshMessage::other;
    default:
      return SshMessage::other;
  }
}

std::optional<SshKexinit> parse_ssh_kexinit(Bytes packet) {
  ByteCursor outer(packet);
  const std::size_t padding = outer.u8();
  if (!outer.ok() || padding > outer.left()) return std::nullopt;
  ByteCursor in(outer.take(outer.left() - padding));
  if (in.u8() != message_kexinit) return std::nullopt;
  in.skip(cookie_bytes);
  std::array<std::string_view, count> lists;
  for (std::string_view& list : lists) list = as_text(in.take(in.be32()));
  if (!in.ok()) return std::nullopt;
  return SshKexinit{joined(lists[kex], lists[enc_cs], lists[mac_cs], lists[comp_cs]),
                    joined(lists[kex], lists[enc_sc], lists[mac_sc], lists[comp_sc])};
}

}  // namespace dpi
