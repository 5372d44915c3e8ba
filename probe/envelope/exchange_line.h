// The form in which events leave: a line {"envelope":…,"payload":…} or {"checkpoint":"<base64>"},
// without its newline (docs/envelope.md, JSON lines).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dpi {

struct EventLine {
  std::string_view envelope;
  std::string_view payload;
};

void append_event_line(std::string& out, const EventLine& event);
void append_checkpoint_line(std::string& out, std::string_view note);

// Only the border is looked for; whether the two parts hold is for who reads them.
[[nodiscard]] std::optional<EventLine> parse_event_line(std::string_view line);
[[nodiscard]] bool is_checkpoint_line(std::string_view line);
// The note; nothing when it is not base64.
[[nodiscard]] std::optional<std::string> parse_checkpoint_line(std::string_view line);

}  // namespace dpi
