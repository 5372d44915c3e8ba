// The questions and records of a DNS message from text: q="NAME TYPE CLASS",
// an= ns= ar="NAME TTL TYPE DATA…", opt="udp=1232 do …" (pcaps-spec/README.md).
#pragma once

#include "probe/spec/recipe.h"

namespace dpi::spec {

[[nodiscard]] bool is_dns_argument(std::string_view key) noexcept;
// How many questions (q) or records (an, ns, ar with opt) the layer has.
[[nodiscard]] std::uint64_t dns_count(const LayerText& layer, std::string_view section) noexcept;
// Everything behind the twelve bytes of the header.
[[nodiscard]] Result<ByteBuffer> build_dns_body(const LayerText& layer);

}  // namespace dpi::spec
