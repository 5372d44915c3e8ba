// The fields of DNS messages from text, one behind the other. Once one is refused, problem() says
// why.
#pragma once

#include <string>
#include <string_view>

#include "probe/base/bytes.h"

namespace dpi::spec {

class DnsWriter {
 public:
  bool refuse(std::string what);
  void be(std::uint64_t value, unsigned bytes);
  bool number(std::string_view text, unsigned bytes);
  bool hex(std::string_view text);
  bool character_string(std::string_view text);
  // Labels apart by dots, \DDD for any byte; . is the root; LABELS@OFFSET ends with a compression
  // pointer; x:HEX is the bytes themselves; nb:NAME<20> is a NetBIOS name (RFC 1001 §14.1).
  bool name(std::string_view text);
  bool netbios(std::string_view text);

  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }
  [[nodiscard]] ByteBuffer take() noexcept { return std::move(out_); }

 protected:
  ByteBuffer out_;

 private:
  std::string problem_;
};

}  // namespace dpi::spec
