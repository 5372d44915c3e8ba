// What the library's own reader makes of it is in tests/integration/ipfix.sh.
#include "probe/export/ipfix.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "probe/export/ipfix_elements.h"
#include "probe/export/ipfix_file.h"
#include "probe/export/mapping.h"
#include "tests/unit/export/events.h"

namespace dpi {
namespace {

namespace fs = std::filesystem;

std::string messages_of(const std::vector<std::string>& flows) {
  auto format = IpfixFormat::make(32'473);
  EXPECT_TRUE(format) << format.error().what;
  std::string out;
  std::uint64_t seq = 0;
  for (const std::string& flow : flows) {
    EXPECT_TRUE((*format)->append(out, seq++, test_envelope("dpi.flow"), flow));
  }
  EXPECT_TRUE((*format)->flush(out));
  return out;
}

// The length of every message, as its header says; 0 for what is none.
std::vector<std::size_t> lengths(std::string_view bytes) {
  std::vector<std::size_t> out;
  const auto byte = [&](std::size_t i) { return std::size_t{static_cast<std::uint8_t>(bytes[i])}; };
  while (bytes.size() >= 16) {
    const std::size_t length = byte(2) * 256 + byte(3);
    if (byte(0) * 256 + byte(1) != 10 || length < 16 || length > bytes.size()) break;
    out.push_back(length);
    bytes.remove_prefix(length);
  }
  if (!bytes.empty()) out.push_back(0);
  return out;
}

TEST(IpfixElements, HaveANumberOfTheirOwnEach) {
  std::set<std::uint16_t> ids;
  std::set<std::string_view> names;
  for (const IpfixElement& element : ipfix_elements()) {
    EXPECT_TRUE(names.insert(element.name).second) << element.name;
    EXPECT_TRUE(element.own_id == 0 || ids.insert(element.own_id).second) << element.name;
    EXPECT_EQ(element.own_id == 0, element.says.empty()) << element.name;
  }
}

TEST(IpfixElements, AreThereForEveryNameOfTheTable) {
  std::set<std::string_view> used{ipfix_instance, ipfix_sequence, ipfix_sha256};
  for (const RowMapping& row : row_mappings()) {
    for (const Mapping& mapping : row.members) {
      if (mapping.ipfix.empty()) continue;
      EXPECT_NE(ipfix_element(mapping.ipfix), nullptr) << mapping.ipfix;
      used.insert(mapping.ipfix);
    }
  }
  EXPECT_EQ(used.size(), ipfix_elements().size()) << "an element that no member has";
}

TEST(Ipfix, IsWholeMessagesAndTheSameEveryTime) {
  const std::vector<std::string> flows(300, TestFlow{}.payload());
  const std::string out = messages_of(flows);
  const auto all = lengths(out);
  ASSERT_FALSE(all.empty());
  EXPECT_GT(all.back(), 0U);
  EXPECT_EQ(out, messages_of(flows));
}

TEST(Ipfix, TakesTheExportTimeFromTheEvent) {
  const std::string out = messages_of({TestFlow{}.payload()});
  // 2023-11-14T22:13:21Z
  EXPECT_EQ(out.substr(4, 4), std::string_view("\x65\x53\xF1\x01", 4));
}

TEST(Ipfix, GivesNothingForEventsThatAreNoFlowAndNoDns) {
  auto format = IpfixFormat::make(32'473);
  std::string out;
  ASSERT_TRUE((*format)->append(out, 1, test_envelope("clock.step"), R"({"delta_us":-7})"));
  ASSERT_TRUE((*format)->flush(out));
  EXPECT_EQ(out, "");
  EXPECT_FALSE((*format)->append(out, 1, test_envelope("dpi.flow"), "{\"a\": 1}"));
}

// A text is cut, and not inside a triplet; so is a number that is too large for its field.
TEST(Ipfix, HoldsWhateverWasOnTheWire) {
  TestFlow flow;
  std::string name;
  for (int i = 0; i < 20'000; ++i) name += "%FF";
  flow.before_protocol = R"("http_status":70000,"http_url":")" + name + R"(",)";
  flow.before_src = R"("server_name":")" + name + R"(",)";
  const std::string out = messages_of({flow.payload(), flow.payload()});
  EXPECT_GT(lengths(out).back(), 0U);
  EXPECT_NE(out.find(name.substr(0, 2046)), std::string::npos);
  EXPECT_EQ(out.find(name.substr(0, 2047)), std::string::npos);
  EXPECT_LT(out.size(), 20'000U);
}

class IpfixFileTest : public testing::Test {
 protected:
  IpfixFileTest() {
    std::string name = (fs::temp_directory_path() / "dpi-ipfix.XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    path_ = folder_ / "flows.ipfix";
  }
  ~IpfixFileTest() override { fs::remove_all(folder_); }
  void write(std::uint64_t seq) const {
    auto sink = open_ipfix_sink(path_, 32'473);
    ASSERT_TRUE(sink) << sink.error().what;
    ASSERT_TRUE((*sink)->event(seq, test_envelope("dpi.flow"), TestFlow{}.payload()));
    ASSERT_TRUE((*sink)->finish());
  }
  [[nodiscard]] std::string text() const {
    std::stringstream out;
    out << std::ifstream(path_).rdbuf();
    return out.str();
  }
  fs::path folder_;
  std::string path_;
};

TEST_F(IpfixFileTest, GoesOnBehindTheLastWholeMessage) {
  write(1);
  const std::string first = text();
  write(2);
  const std::string both = text();
  ASSERT_TRUE(both.starts_with(first));
  ASSERT_GT(both.size(), first.size());
  for (const std::size_t cut : {first.size() + 1, first.size() + 17, both.size() - 1}) {
    std::ofstream(path_, std::ios::trunc) << both.substr(0, cut);
    write(2);
    EXPECT_GT(lengths(text()).back(), 0U) << cut;
  }
  std::ofstream(path_, std::ios::trunc) << both.substr(0, first.size() + 5);
  write(2);
  EXPECT_EQ(text(), both);
}

TEST_F(IpfixFileTest, GoesOnWhereItWasSafe) {
  auto sink = open_ipfix_sink(path_, 32'473);
  ASSERT_TRUE((*sink)->event(1, test_envelope("dpi.flow"), TestFlow{}.payload()));
  const auto safe = (*sink)->sync(2);
  ASSERT_TRUE(safe);
  const std::string first = text();
  ASSERT_TRUE((*sink)->event(2, test_envelope("dpi.flow"), TestFlow{}.payload()));
  ASSERT_TRUE((*sink)->finish());
  ASSERT_GT(text().size(), first.size());
  auto again = open_ipfix_sink(path_, 32'473);
  ASSERT_TRUE((*again)->resume(*safe, AppendFile::Rest::there));
  EXPECT_EQ(text(), first);
}

TEST_F(IpfixFileTest, LeavesAFileOfSomebodyElse) {
  const std::string other = "src,dst\n1,2\nthis is no file of messages\n";
  std::ofstream(path_) << other;
  const auto sink = open_ipfix_sink(path_, 32'473);
  ASSERT_FALSE(sink);
  EXPECT_NE(sink.error().what.find("move it away"), std::string::npos);
  EXPECT_EQ(text(), other);
}

}  // namespace
}  // namespace dpi
