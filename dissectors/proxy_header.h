// The PROXY protocol (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt): what a balancer
// puts in front of a connection or datagram to say whose it is.
#pragma once

#include <cstddef>

#include "probe/base/bytes.h"

namespace dpi {

// What stands before a protocol and is none itself.
struct Preamble {
  std::size_t bytes = 0;
  bool cut = false;  // it is one, of which not all is here
};

// Version 1, §2.1: one line of at most 107 bytes.
[[nodiscard]] Preamble proxy_line(Bytes head) noexcept;
// Version 2, §2.2: a signature, version and command, family, and the length of what follows.
[[nodiscard]] Preamble proxy_header(Bytes head) noexcept;

}  // namespace dpi
