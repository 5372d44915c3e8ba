// libpcap reads the same files: where it can, both must agree on every packet.
#include <gtest/gtest.h>
#include <pcap/pcap.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "capture/record_reader.h"
#include "tests/unit/capture/capture_bytes.h"

namespace dpi {
namespace {

namespace fs = std::filesystem;

struct OraclePacket {
  ByteBuffer data;
  std::uint32_t wire_bytes = 0;
  std::int64_t nanoseconds = 0;
};

struct OracleReading {
  std::vector<OraclePacket> packets;
  bool whole = false;  // libpcap came to the end without an error
  std::uint32_t snap_bytes = 0;
};

std::optional<OracleReading> read_with_libpcap(const fs::path& path) {
  char reason[PCAP_ERRBUF_SIZE];
  pcap_t* handle = pcap_open_offline_with_tstamp_precision(path.c_str(), PCAP_TSTAMP_PRECISION_NANO,
                                                           static_cast<char*>(reason));
  if (handle == nullptr) return std::nullopt;
  OracleReading reading;
  reading.snap_bytes = static_cast<std::uint32_t>(pcap_snapshot(handle));
  pcap_pkthdr* header = nullptr;
  const u_char* data = nullptr;
  int code = 0;
  while ((code = pcap_next_ex(handle, &header, &data)) == 1) {
    reading.packets.push_back(OraclePacket{
        .data = ByteBuffer(data, data + header->caplen),
        .wire_bytes = header->len,
        .nanoseconds = std::int64_t{header->ts.tv_sec} * 1'000'000'000 + header->ts.tv_usec});
  }
  reading.whole = code == PCAP_ERROR_BREAK;
  pcap_close(handle);
  return reading;
}

// libpcap takes seconds and microseconds of a pcap record as signed, the format says unsigned.
bool same_time(std::int64_t ours, std::int64_t theirs) {
  constexpr std::int64_t wrap = std::int64_t{1} << 32U;
  const std::int64_t difference = ours - theirs;
  return difference == 0 || difference == wrap * 1'000'000'000 || difference == wrap * 1'000;
}

void expect_same(const test::Reading& ours, const OracleReading& theirs, const fs::path& path) {
  // Mixed link types end libpcap's reading early, never ours.
  ASSERT_GE(ours.packets.size(), theirs.packets.size()) << path;
  if (theirs.whole) {
    EXPECT_EQ(ours.packets.size(), theirs.packets.size()) << path;
    EXPECT_FALSE(ours.error) << ours.error->what;
    EXPECT_TRUE(ours.warnings.empty()) << ours.warnings[0];
  }
  for (std::size_t i = 0; i < theirs.packets.size(); ++i) {
    const auto& our = ours.packets[i];
    const auto& their = theirs.packets[i];
    // libpcap cuts at the announced snap length and passes a wire length below the captured one.
    const std::size_t bytes = std::min<std::size_t>(our.data.size(), theirs.snap_bytes);
    ASSERT_EQ(Bytes{our.data}.first(bytes).size(), their.data.size())
        << path << " packet " << i + 1;
    ASSERT_TRUE(std::equal(their.data.begin(), their.data.end(), our.data.begin()))
        << path << " packet " << i + 1;
    ASSERT_EQ(our.wire_bytes, std::max<std::size_t>(their.wire_bytes, our.data.size()))
        << path << " packet " << i + 1;
    if (our.time_missing) continue;
    ASSERT_TRUE(same_time(our.nanoseconds, their.nanoseconds))
        << path << " packet " << i + 1 << ": " << our.nanoseconds << ", " << their.nanoseconds;
  }
}

std::optional<fs::path> capture_folder() {
  const char* named = std::getenv("DPI_PCAPS");
  const fs::path folder = named != nullptr ? named : "../shared/pcaps";
  if (!fs::is_directory(folder)) return std::nullopt;
  return folder;
}

TEST(LibpcapOracleTest, AgreesOnEveryCapture) {
  const auto folder = capture_folder();
  if (!folder)
    GTEST_SKIP() << "no captures: ../shared/pcaps is absent and DPI_PCAPS names no folder";
  std::size_t files = 0;
  std::size_t packets = 0;
  for (const auto& entry : fs::recursive_directory_iterator{*folder}) {
    if (!entry.is_regular_file()) continue;
    const auto theirs = read_with_libpcap(entry.path());
    if (!theirs) continue;
    auto source = open_file_source(entry.path());
    ASSERT_TRUE(source) << source.error().what;
    const auto ours = test::read_all(std::move(*source));
    expect_same(ours, *theirs, entry.path());
    ++files;
    packets += theirs->packets.size();
  }
  RecordProperty("files", static_cast<int>(files));
  RecordProperty("packets", static_cast<int>(packets));
  EXPECT_GT(files, 0U);
}

TEST(LibpcapOracleTest, BatchSizeChangesNothingInAnyCapture) {
  const auto folder = capture_folder();
  if (!folder)
    GTEST_SKIP() << "no captures: ../shared/pcaps is absent and DPI_PCAPS names no folder";
  for (const auto& entry : fs::recursive_directory_iterator{*folder}) {
    if (!entry.is_regular_file()) continue;
    const auto by = [&](std::size_t packets_max) {
      return test::read_all(std::move(*open_file_source(entry.path())), packets_max);
    };
    const auto one = by(1);
    for (const std::size_t packets_max : {7U, 256U}) {
      const auto other = by(packets_max);
      EXPECT_EQ(other.packets, one.packets) << entry.path();
      EXPECT_EQ(other.warnings, one.warnings) << entry.path();
      EXPECT_EQ(other.error.has_value(), one.error.has_value()) << entry.path();
    }
  }
}

}  // namespace
}  // namespace dpi
