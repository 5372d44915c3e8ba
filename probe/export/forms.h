// How one value is written in another format's words (mapping.h, Form).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "probe/envelope/json_tree.h"
#include "probe/export/mapping.h"

namespace dpi {

// Appends the value as JSON; false, and nothing appended, when that form has no word for it.
[[nodiscard]] bool append_form(std::string& out, const Mapping& mapping, Form form,
                               const JsonNode& node);

// "2023-11-14T22:13:20.004000000Z" → "2023-11-14T22:13:20.004000+0000".
[[nodiscard]] std::string eve_time_text(std::string_view time);
// The name that Suricata gives an IP protocol, its number in three digits when it gives none.
[[nodiscard]] std::string protocol_name_text(std::string_view number);

// "name:8080", "[2001:db8::1]:8080" → the two parts; a port only when it is one.
struct HostPort {
  std::string_view host;
  std::optional<std::uint16_t> port;
};
[[nodiscard]] HostPort split_host(std::string_view text);

}  // namespace dpi
