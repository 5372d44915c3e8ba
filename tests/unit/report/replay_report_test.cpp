#include "probe/report/replay_report.h"

#include <gtest/gtest.h>

#include "probe/envelope/sealer.h"

namespace dpi {
namespace {

// A chain of two events with its checkpoint, which somebody between sealer and page may change.
template <class Change>
std::string page_of(Change change) {
  const SigningKey key = SigningKey::from_seed(Digest{7});
  const std::string announced = "{\"key_id\":\"" + hex(key.public_key().key_id()) +
                                "\",\"key_spki\":\"" + base64(key.public_key().spki()) + "\"}";
  Sealer sealer({.hostname = "h", .version = "1", .mode = Mode::replay},
                SigningKey::from_seed(Digest{7}));
  ReplayReport report;
  const auto sink = report.sink();
  std::uint64_t seq = 0;
  for (const auto& [type, payload] :
       {std::pair<std::string_view, std::string>{"chain.start", announced},
        {"dpi.flow", "{\"app\":\"TLS\"}"}}) {
    const std::string envelope{
        sealer.seal({.type = type, .version = 1, .observed_at = timestamp(1), .payload = payload},
                    {.emitted_at = timestamp(1), .mono_us = seq})};
    EXPECT_TRUE(sink->event(seq, envelope, seq == 1 ? change(payload) : payload));
    ++seq;
  }
  EXPECT_TRUE(sink->checkpoint(sealer.checkpoint(), sealer.head()));
  EXPECT_TRUE(sink->finish());
  return report.page({"day.pcap"}, {});
}

TEST(ReplayReportTest, SaysProvedOnlyOfWhatHolds) {
  const std::string whole = page_of([](const std::string& payload) { return payload; });
  EXPECT_NE(whole.find("<b>Proved:</b> 2 events"), std::string::npos) << whole;
  const std::string changed =
      page_of([](const std::string&) { return std::string{"{\"app\":\"SSH\"}"}; });
  EXPECT_EQ(changed.find("<b>Proved:</b>"), std::string::npos);
  EXPECT_NE(changed.find("<b>Not proved:</b> sequence 1"), std::string::npos) << changed;
}

}  // namespace
}  // namespace dpi
