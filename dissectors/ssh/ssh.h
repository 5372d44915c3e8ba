// The open part of SSH: identification lines (RFC 4253 §4.2) and KEXINIT (§7.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "probe/base/bytes.h"

namespace dpi {

inline constexpr std::string_view ssh_identification = "SSH-";
// RFC 4253 §4.2: 255 with CR and LF.
inline constexpr std::size_t ssh_identification_bytes_max = 255;
inline constexpr std::size_t ssh_packet_bytes_max = 35'000;  // RFC 4253 §6.1

// Algorithms for one direction, as both fingerprints want them: key exchange;encryption;MAC;
// compression.
struct SshKexinit {
  std::string client_to_server;  // HASSH is its MD5 for a client
  std::string server_to_client;  // HASSHServer is its MD5 for a server
};
enum class SshMessage : std::uint8_t {
  disconnect,
  ignorable,  // ignore, unimplemented, debug: at any time (RFC 4253 §11.2-11.4)
  other,
};
// Which one the packet behind its length field holds.
[[nodiscard]] SshMessage ssh_message_of(Bytes packet) noexcept;

// The packet behind its length field: padding length, message, padding. Nothing for another message
// or one that contradicts its lengths.
[[nodiscard]] std::optional<SshKexinit> parse_ssh_kexinit(Bytes packet);

}  // namespace dpi
