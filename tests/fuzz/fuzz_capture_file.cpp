// Any bytes as a capture file: no crash, bounded work, and the same packets whatever the batch
// size.
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "capture/file_source.h"
#include "probe/base/check.h"
#include "probe/base/siphash.h"

namespace {

// Compressed seeds may expand a thousandfold; this many packets of each input are enough.
constexpr std::size_t packets_max = 20'000;

struct Outcome {
  std::uint64_t digest = 0;
  std::size_t packets = 0;
  bool failed = false;
  bool operator==(const Outcome&) const = default;
};

std::unique_ptr<dpi::PacketSource> open_bytes(dpi::Bytes bytes) {
  const int fd = ::memfd_create("fuzz", MFD_CLOEXEC);
  DPI_CHECK(fd >= 0);
  DPI_CHECK(::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  DPI_CHECK(::lseek(fd, 0, SEEK_SET) == 0);
  auto source = dpi::open_file_source(fd, "fuzz");
  DPI_CHECK(source.has_value());
  return std::move(*source);
}

void add(Outcome& outcome, const dpi::RawPacket& packet) {
  if (outcome.packets == packets_max) return;
  ++outcome.packets;
  DPI_CHECK(packet.wire_bytes >= packet.data.size());
  const dpi::HashSeed seed{outcome.digest,
                           static_cast<std::uint64_t>(dpi::nanoseconds(packet.time))};
  outcome.digest = dpi::siphash(seed, packet.data) + packet.wire_bytes + packet.interface;
}

Outcome read(dpi::Bytes bytes, std::size_t batch_max) {
  auto source = open_bytes(bytes);
  Outcome outcome;
  std::vector<dpi::Batch> batches;
  while (outcome.packets < packets_max) {
    dpi::Batch batch;
    const auto state = source->poll(batch, batch_max, std::chrono::milliseconds{0});
    outcome.failed = !state.has_value();
    if (!state || *state == dpi::SourceState::end) break;
    DPI_CHECK(*state == dpi::SourceState::packets && !batch.empty());
    for (const dpi::RawPacket& packet : batch.packets()) add(outcome, packet);
    batches.push_back(std::move(batch));
    if (batches.size() > 4) batches.erase(batches.begin() + 1);  // released out of order
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const dpi::Bytes bytes{data, size};
  DPI_CHECK(read(bytes, 1) == read(bytes, 200));
  return 0;
}
