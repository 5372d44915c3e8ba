// What a service says, one line a change of state: to people as a sentence, to the journal as
// `event=NAME message="…" key=value …` with its priority. Never called for a packet.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace dpi {

// The levels of syslog (RFC 5424 §6.2.1) that are used.
enum class LogLevel : std::uint8_t { error = 3, warning = 4, notice = 5, info = 6 };

struct LogField {
  std::string_view key;
  std::string value;  // any bytes
};

struct LogEntry {
  LogLevel level = LogLevel::info;
  std::string_view event;    // [a-z_]+, one of docs/operations.md
  std::string_view message;  // for people; says everything that the fields say
  std::initializer_list<LogField> fields{};
};

enum class LogStyle : std::uint8_t { plain, journal };

// The line without its end. In the journal's style `<N>` stands in front (sd-daemon(3)), and a
// value with a space, quote, backslash, control character or nothing in it is quoted and escaped.
[[nodiscard]] std::string log_line(const LogEntry& entry, LogStyle style);

// JOURNAL_STREAM names the file that standard error is (systemd.exec(5)).
[[nodiscard]] LogStyle log_style() noexcept;

// Writes it to standard error in one piece; from any thread.
void log_state(const LogEntry& entry);

}  // namespace dpi
