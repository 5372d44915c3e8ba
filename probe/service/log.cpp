#include "probe/service/log.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace dpi {
namespace {

bool is_control(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

bool is_bare(char c) noexcept {
  return !is_control(c) && c != ' ' && c != '"' && c != '\\' && c != '=';
}

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (is_control(c)) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      if (c == '"' || c == '\\') out.push_back('\\');
      out.push_back(c);
    }
  }
}

void append_field(std::string& out, std::string_view key, std::string_view value) {
  out += fmt::format(" {}=", key);
  const bool bare = !value.empty() && std::all_of(value.begin(), value.end(), is_bare);
  if (!bare) out.push_back('"');
  append_escaped(out, value);
  if (!bare) out.push_back('"');
}

}  // namespace

std::string log_line(const LogEntry& entry, LogStyle style) {
  if (style == LogStyle::plain) {
    std::string out = "ransomeye-dpi: ";
    for (const char c : entry.message) {
      const char other = c == '\n' || c == '\t' ? ' ' : '?';
      out.push_back(is_control(c) ? other : c);
    }
    return out;
  }
  std::string out = fmt::format("<{}>event={}", static_cast<int>(entry.level), entry.event);
  append_field(out, "message", entry.message);
  for (const LogField& field : entry.fields) append_field(out, field.key, field.value);
  return out;
}

LogStyle log_style() noexcept {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  struct stat error {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &error) != 0) return LogStyle::plain;
  char* end = nullptr;
  const auto device = std::strtoull(stream, &end, 10);
  if (*end != ':') return LogStyle::plain;
  const auto inode = std::strtoull(end + 1, &end, 10);
  const bool ours = *end == '\0' && device == error.st_dev && inode == error.st_ino;
  return ours ? LogStyle::journal : LogStyle::plain;
}

void log_state(const LogEntry& entry) {
  const std::string line = log_line(entry, log_style()) + '\n';
  // Nobody can be told that standard error is gone.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace dpi
