#include "probe/app/quarantine.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "probe/base/clock.h"
#include "probe/crypto/digest.h"

namespace dpi {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view prefix = "worker-";
constexpr std::uint32_t nanosecond_magic = 0xa1b23c4d;
constexpr std::uint32_t linktype_raw = 101;  // tcpdump.org/linktypes.html

void put32(std::string& out, std::uint64_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8)
    out.push_back(static_cast<char>(value >> shift & 0xffU));
}

// pcap(5): little-endian, version 2.4, one packet.
std::string capture_of(const WorkerDeath& death) {
  const auto time_ns =
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, nanoseconds(death.time)));
  const Bytes bytes = death.captured();
  std::string out;
  put32(out, nanosecond_magic);
  put32(out, 2U | 4U << 16U);
  put32(out, 0);
  put32(out, 0);
  put32(out, 262'144);
  put32(out, linktype_raw);
  put32(out, time_ns / 1'000'000'000);
  put32(out, time_ns % 1'000'000'000);
  put32(out, bytes.size());
  put32(out, bytes.size());
  out.append(bytes.begin(), bytes.end());
  return out;
}

}  // namespace

Result<Quarantine::Kept> Quarantine::keep(const WorkerDeath& death) {
  const std::string capture = capture_of(death);
  // Names in the order of time.
  const auto now = nanoseconds(wall_clock_now());
  Kept out{.file = folder_ / fmt::format("{}{:020}.pcap", prefix, now),
           .sha256 = sha256({as_bytes(capture)})};
  std::ofstream file(out.file, std::ios::binary);
  file << capture << std::flush;
  if (!file) {
    return fail(Errc::failure,
                fmt::format("{}: cannot be written; workers.quarantine_dir must be a folder that "
                            "the probe may write",
                            out.file.string()));
  }
  forget_oldest();
  return out;
}

void Quarantine::forget_oldest() const {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    if (entry.path().filename().string().starts_with(prefix)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (std::size_t i = 0; i + files_max_ < files.size(); ++i) fs::remove(files[i], error);
}

}  // namespace dpi
