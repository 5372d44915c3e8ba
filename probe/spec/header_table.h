// Every header that a recipe can name, as text: fields in wire order, their widths and defaults.
//
//   name:bits=default      an unsigned number; names in capitals are flags, a bare word sets them
//   name?:bits             there only when the recipe gives it
//   name:le16 le32         little-endian
//   name:mac ip4 ip6 hex   an address; bytes of any length
//
// Defaults that begin with @ are worked out (header_builder.h).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace dpi::spec {

struct HeaderDefinition {
  std::string_view name;
  std::string_view fields;
  // What this header is called by the one in front of it, e.g. "eth=0x0800 ip=4 port=4789";
  // `link` is its LINKTYPE_ when it stands first.
  std::string_view numbers;
};

[[nodiscard]] std::span<const HeaderDefinition> header_definitions() noexcept;
[[nodiscard]] const HeaderDefinition* find_header(std::string_view name) noexcept;
[[nodiscard]] std::optional<std::uint64_t> header_number(const HeaderDefinition& definition,
                                                         std::string_view space) noexcept;

struct Field {
  enum class Kind : std::uint8_t { number, little_endian, mac, ip4, ip6, hex };
  std::string_view name;
  Kind kind = Kind::number;
  std::uint32_t bits = 0;
  bool optional = false;
  std::string_view standard;  // default value as text
};
// The fields of one of header_definitions(); DPI_CHECK when a definition is not well-formed.
[[nodiscard]] const std::vector<Field>& header_fields(const HeaderDefinition& definition);

}  // namespace dpi::spec
