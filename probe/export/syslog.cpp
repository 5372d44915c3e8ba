#include "probe/export/syslog.h"

#include <fmt/format.h>

#include <iterator>

#include "probe/envelope/exchange_line.h"

namespace dpi {
namespace {

// RFC 5424, 6.2.1.
enum class Severity : std::uint8_t { warning = 4, notice = 5, informational = 6 };
constexpr unsigned facility_local0 = 16;

constexpr std::size_t hostname_bytes_max = 255;
constexpr std::size_t msgid_bytes_max = 32;
constexpr std::size_t upto_microseconds = 26;

// Warnings are of the sensor; what the traffic means a SIEM's rules decide.
Severity severity_of(std::string_view type) {
  if (type == "worker.crash" || type == "loss.report" || type == "clock.step")
    return Severity::warning;
  return type == "dpi.scan" || type.starts_with("probe.") || type == "config.change"
             ? Severity::notice
             : Severity::informational;
}

}  // namespace

void append_syslog_value(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\' || c == ']') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
}

void append_syslog_field(std::string& out, std::string_view text, std::size_t bytes_max) {
  const std::size_t before = out.size();
  for (const char c : text.substr(0, bytes_max))
    if (c > ' ' && c < 0x7F) out.push_back(c);
  if (out.size() == before) out.push_back('-');
}

Result<void> SyslogFormat::append(std::string& out, std::uint64_t seq, std::string_view envelope,
                                  std::string_view payload) {
  if (!event_.read(seq, envelope, payload)) return unreadable_event(seq);
  message_ = fmt::format("<{}>1 {}Z ",
                         facility_local0 * 8 + static_cast<unsigned>(severity_of(event_.type())),
                         event_.said("observed_at").substr(0, upto_microseconds));
  append_syslog_field(message_, event_.identity("hostname"), hostname_bytes_max);
  message_ += " ransomeye-dpi - ";
  append_syslog_field(message_, event_.type(), msgid_bytes_max);
  fmt::format_to(std::back_inserter(message_), " [ransomeye@{} instance=", enterprise_number_);
  append_syslog_value(message_, event_.said("component_instance_id"));
  fmt::format_to(std::back_inserter(message_), " sequence=\"{}\" sha256=", seq);
  append_syslog_value(message_, event_.sha256());
  message_ += "] ";
  append_event_line(message_, {envelope, payload});
  if (framing_ == SyslogFraming::octet_counting)
    fmt::format_to(std::back_inserter(out), "{} ", message_.size());
  out += message_;
  return {};
}

}  // namespace dpi
