// Where an output is sent: what stands behind its kind.
//
//   tls://HOST[:PORT][/NAME][?ca=FILE&cert=FILE&key=FILE&verify=no]
//   tcp://HOST[:PORT][/NAME]
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "probe/base/result.h"
#include "probe/crypto/tls_client.h"

namespace dpi {

enum class Transport : std::uint8_t { tcp, tls, datagram };  // of Unix

struct HostAndPort {
  std::string host;  // an IPv6 address without its brackets
  std::string port;
  // As it is written: an IPv6 address in brackets.
  [[nodiscard]] std::string text() const;
};

struct Receiver {
  Transport transport = Transport::tcp;
  std::vector<HostAndPort> hosts;  // never empty but of a datagram
  std::string name;                // behind the "/"; of a datagram the socket's path
  TlsSettings tls;                 // of tls, without the host

  // Files that must be readable.
  [[nodiscard]] std::vector<std::string> files() const;
  [[nodiscard]] std::string text() const;
};

struct DefaultPorts {
  std::string_view tcp;
  std::string_view tls;
};

// Whether it is written as one: with "tcp://" or "tls://".
[[nodiscard]] bool names_receiver(std::string_view text) noexcept;
// Errc::usage says what is wrong with it.
[[nodiscard]] Result<Receiver> parse_receiver(std::string_view text, const DefaultPorts& ports);

}  // namespace dpi
