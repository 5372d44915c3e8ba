// What the text of a key must be, beyond being text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dpi {

// Why `given` is no value of section.key, as a sentence without a subject ("must be …"); nothing
// when it is one. Never repeats a connection string: it may hold a password.
[[nodiscard]] std::optional<std::string> wrong_value(std::string_view key,
                                                     const std::string& given);

}  // namespace dpi
