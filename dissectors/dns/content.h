// Whether bytes are a DNS message, where no port says so: a strict check of header and question,
// and the whole must be read to its end without a fault.
#pragma once

#include "probe/base/bytes.h"

namespace dpi {

enum class DnsContent : std::uint8_t {
  message,
  incomplete,  // perhaps, when the rest has come
  other,
};

// A whole message.
[[nodiscard]] bool is_dns_content(Bytes message);
// What begins with the two bytes of a message's length (RFC 1035 §4.2.2).
[[nodiscard]] DnsContent dns_content_over_tcp(Bytes bytes);

}  // namespace dpi
