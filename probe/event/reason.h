// The closed list of reasons why a probe is not well: of its own heartbeats and of the database
// (re_view.probe_status). Whoever shows a reason takes its words from here; docs/operations.md
// lists the same.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace dpi {

enum class Severity : std::uint8_t { warning, critical };

// Unit of the figure that the database gives with a reason.
enum class Figure : std::uint8_t { none, percent, milliseconds, seconds, count, per_second };

struct Reason {
  std::string_view name;
  Severity severity;
  Figure figure;
  std::string_view what;     // {} stands for the figure
  std::string_view instead;  // of {} when there is no figure
  std::string_view advice;
};

// Sorted by name.
[[nodiscard]] std::span<const Reason> reasons() noexcept;
// nullptr: not of the list.
[[nodiscard]] const Reason* find_reason(std::string_view name) noexcept;

}  // namespace dpi
