// Packet time and its one text form (docs/envelope.md, canonical form).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace dpi {

// UTC, nanoseconds since 1970, from the packet; the wall clock enters only through Clock in
// probe/app.
using Timestamp = std::chrono::sys_time<std::chrono::nanoseconds>;
using Nanoseconds = std::chrono::nanoseconds;

inline constexpr std::size_t time_text_bytes = 30;  // YYYY-MM-DDThh:mm:ss.nnnnnnnnnZ
using TimeText = std::array<char, time_text_bytes>;

[[nodiscard]] constexpr Timestamp timestamp(std::int64_t nanoseconds) noexcept {
  return Timestamp{Nanoseconds{nanoseconds}};
}
[[nodiscard]] constexpr std::int64_t nanoseconds(Timestamp t) noexcept {
  return t.time_since_epoch().count();
}

// Years outside 1970–2261 are clamped into it.
[[nodiscard]] TimeText time_text(Timestamp t) noexcept;
[[nodiscard]] inline std::string_view view(const TimeText& text) noexcept {
  return {text.data(), text.size()};
}
// Exactly the 30-byte form; anything else is nothing.
[[nodiscard]] std::optional<Timestamp> parse_time(std::string_view text) noexcept;

}  // namespace dpi
