#include "probe/envelope/exchange_line.h"

#include "probe/base/bytes.h"
#include "probe/base/hex.h"

namespace dpi {
namespace {

constexpr std::string_view envelope_prefix = "{\"envelope\":";
constexpr std::string_view payload_separator = ",\"payload\":";
constexpr std::string_view checkpoint_prefix = "{\"checkpoint\":\"";
constexpr std::string_view checkpoint_end = "\"}";

}  // namespace

void append_event_line(std::string& out, const EventLine& event) {
  out += envelope_prefix;
  out += event.envelope;
  out += payload_separator;
  out += event.payload;
  out += '}';
}

void append_checkpoint_line(std::string& out, std::string_view note) {
  out += checkpoint_prefix;
  out += base64(as_bytes(note));
  out += checkpoint_end;
}

std::optional<EventLine> parse_event_line(std::string_view line) {
  // No string of the envelope can hold a quote: the first separator is the border.
  const std::size_t border = line.find(payload_separator);
  if (!line.starts_with(envelope_prefix) || border == std::string_view::npos ||
      !line.ends_with('}')) {
    return std::nullopt;
  }
  const std::size_t payload = border + payload_separator.size();
  return EventLine{line.substr(envelope_prefix.size(), border - envelope_prefix.size()),
                   line.substr(payload, line.size() - payload - 1)};
}

bool is_checkpoint_line(std::string_view line) {
  return line.starts_with(checkpoint_prefix) && line.ends_with(checkpoint_end);
}

std::optional<std::string> parse_checkpoint_line(std::string_view line) {
  if (!is_checkpoint_line(line)) return std::nullopt;
  line.remove_prefix(checkpoint_prefix.size());
  line.remove_suffix(checkpoint_end.size());
  const auto note = parse_base64(line);
  if (!note) return std::nullopt;
  return std::string{as_text(*note)};
}

}  // namespace dpi
