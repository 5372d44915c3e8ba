#include "probe/export/syslog.h"

#include <gtest/gtest.h>

#include <string>

#include "probe/base/hex.h"
#include "probe/envelope/envelope.h"
#include "tests/unit/export/events.h"

namespace dpi {
namespace {

std::string message_of(SyslogFraming framing, std::string_view type, std::string_view payload) {
  SyslogFormat format(framing, 32'473);
  std::string out;
  EXPECT_TRUE(format.append(out, 7, test_envelope(type), payload));
  return out;
}

TEST(Syslog, IsAMessageOfRfc5424WithTheEventAsItWasHashed) {
  const std::string envelope = test_envelope("dpi.scan");
  EXPECT_EQ(message_of(SyslogFraming::none, "dpi.scan", R"({"flows":3})"),
            "<133>1 2023-11-14T22:13:20.004000Z probe%201 ransomeye-dpi - dpi.scan "
            "[ransomeye@32473 instance=\"" +
                std::string{test_instance} + "\" sequence=\"7\" sha256=\"" +
                hex(envelope_hash(envelope)) + "\"] {\"envelope\":" + envelope +
                R"(,"payload":{"flows":3}})");
}

TEST(Syslog, CountsItsOctetsOverAStream) {
  const std::string alone = message_of(SyslogFraming::none, "dpi.flow", "{}");
  EXPECT_EQ(message_of(SyslogFraming::octet_counting, "dpi.flow", "{}"),
            std::to_string(alone.size()) + " " + alone);
}

TEST(Syslog, HasASeverityForWhatTheSensorSaysOfItself) {
  EXPECT_TRUE(message_of(SyslogFraming::none, "loss.report", "{}").starts_with("<132>1 "));
  EXPECT_TRUE(message_of(SyslogFraming::none, "probe.start", "{}").starts_with("<133>1 "));
  EXPECT_TRUE(message_of(SyslogFraming::none, "dpi.dns", "{}").starts_with("<134>1 "));
}

TEST(Syslog, EscapesWhatWouldEndAValue) {
  std::string out;
  append_syslog_value(out, R"(a"b\c]d[e)");
  EXPECT_EQ(out, R"("a\"b\\c\]d[e")");
}

TEST(Syslog, KeepsAHeaderFieldInItsPlace) {
  std::string out;
  append_syslog_field(out,
                      "a b\n\xC3\xA9\x7F"
                      "c",
                      255);
  out += ' ';
  append_syslog_field(out, " \t", 255);
  out += ' ';
  append_syslog_field(out, std::string(300, 'x'), 32);
  EXPECT_EQ(out, "abc - " + std::string(32, 'x'));
}

TEST(Syslog, SendsNothingOfAnEventThatIsNotCanonical) {
  SyslogFormat format(SyslogFraming::none, 1);
  std::string out;
  EXPECT_FALSE(format.append(out, 1, test_envelope("dpi.flow"), "{\"a\": 1}"));
  EXPECT_EQ(out, "");
}

}  // namespace
}  // namespace dpi
