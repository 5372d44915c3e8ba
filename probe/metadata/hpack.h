// Field blocks of HTTP/2 (RFC 7541) by libnghttp2, which alone is used for it. One decoder per
// direction of a connection; its dynamic table holds at most 64 KiB.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "probe/base/bytes.h"

namespace dpi {

class HpackDecoder {
 public:
  HpackDecoder();
  HpackDecoder(const HpackDecoder&) = delete;
  HpackDecoder& operator=(const HpackDecoder&) = delete;
  ~HpackDecoder();

  using OnField = std::function<void(std::string_view name, std::string_view value)>;
  // One whole field block; false when it is malformed, and nothing may be decoded after it.
  [[nodiscard]] bool decode(Bytes block, const OnField& on_field);
  // With its dynamic table, at most.
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dpi
