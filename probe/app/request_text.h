// What one host asks of another in a file: one line of JSON whose member "format" says what it is.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "probe/base/result.h"
#include "probe/spec/value.h"

namespace dpi {

[[nodiscard]] Result<std::string> read_request_file(const std::string& path);
// Nothing when it is of another format, or no JSON.
[[nodiscard]] std::optional<spec::Value> parse_request(std::string_view text,
                                                       std::string_view format);
// A member's text; empty when there is none.
[[nodiscard]] std::string request_member(const spec::Value& request, std::string_view name);

}  // namespace dpi
