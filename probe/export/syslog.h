// Syslog (RFC 5424): one message for every event. What the event says stands in the message as its
// line of JSON, byte for byte as hashed; what names it for ever stands in the structured data.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "probe/export/exported_event.h"
#include "probe/store/message_format.h"

namespace dpi {

enum class SyslogFraming : std::uint8_t {
  none,            // a datagram is a message
  octet_counting,  // RFC 5425 (4.3) and RFC 6587 (3.4.1)
};

class SyslogFormat final : public MessageFormat {
 public:
  // The number that stands behind the name of the structured data (RFC 5424, 7.2.2).
  SyslogFormat(SyslogFraming framing, std::uint64_t enterprise_number)
      : framing_(framing), enterprise_number_(enterprise_number) {}

  Result<void> append(std::string& out, std::uint64_t seq, std::string_view envelope,
                      std::string_view payload) override;

 private:
  SyslogFraming framing_;
  std::uint64_t enterprise_number_;
  ExportedEvent event_;
  std::string message_;
};

// The value of a parameter, between quotation marks (RFC 5424, 6.3.3).
void append_syslog_value(std::string& out, std::string_view text);
// A field of the header: printable ASCII without spaces, at most so many bytes; "-" when nothing is
// left (RFC 5424, 6).
void append_syslog_field(std::string& out, std::string_view text, std::size_t bytes_max);

}  // namespace dpi
