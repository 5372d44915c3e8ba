// Reads a capture source and says what came: the driver of the capture tests.
//   capture_dump file PATH | af_packet INTERFACE… | dpdk --eal=ARGUMENT… [options]
// Prints READY once the source is open, a line WARNING … as each comes, and one line of totals at
// the end: of the source, or when as many packets were offered (read or reported lost) as wanted.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "capture/af_packet_source.h"
#include "capture/dpdk_source.h"
#include "capture/file_source.h"
#include "probe/base/byte_cursor.h"
#include "probe/base/siphash.h"
#include "tests/support/handover.h"

namespace {

using Steady = std::chrono::steady_clock;
using Sources = std::vector<std::unique_ptr<dpi::PacketSource>>;

struct Options {
  std::string kind;
  std::vector<std::string> what;
  dpi::AfPacketOptions packet;
  dpi::DpdkOptions dpdk;
  std::uint64_t count = 0;
  int deadline_s = 120;
  int settle_ms = 0;
  int slow_us = 0;
  std::size_t hold = 0;
  bool release_elsewhere = false;
  bool twice = false;
};

// The mark that the generated packets carry: "FLOW" and a number.
std::int64_t flow_of(dpi::Bytes data) {
  constexpr std::string_view mark = "FLOW";
  const std::string_view text = dpi::as_text(data);
  const auto at = text.find(mark);
  if (at == std::string_view::npos || at + 8 > text.size()) return -1;
  dpi::ByteCursor cursor{data.subspan(at + mark.size())};
  return cursor.be32();
}

class Totals {
 public:
  explicit Totals(std::size_t sources) : per_source_(sources) {}

  void add(std::size_t source, const dpi::RawPacket& packet) {
    ++per_source_[source];
    if (packet.vlan_stripped) ++tagged_;
    const std::size_t front =
        packet.vlan_stripped ? std::min<std::size_t>(12, packet.data.size()) : 0;
    whole_.assign(packet.data.begin(), packet.data.begin() + static_cast<std::ptrdiff_t>(front));
    if (packet.vlan_stripped) {
      for (const std::uint16_t word : {packet.vlan_tpid, packet.vlan_tci}) {
        whole_.push_back(static_cast<std::uint8_t>(word >> 8U));
        whole_.push_back(static_cast<std::uint8_t>(word));
      }
    }
    whole_.insert(whole_.end(), packet.data.begin() + static_cast<std::ptrdiff_t>(front),
                  packet.data.end());
    digest_ = dpi::siphash({digest_, packet.wire_bytes}, whole_);
    bytes_ += packet.wire_bytes;
    times_ = dpi::siphash({times_, static_cast<std::uint64_t>(dpi::nanoseconds(packet.time))}, {});
    if (const auto flow = flow_of(packet.data); flow >= 0) flows_[flow].insert(source);
  }

  void print(const dpi::CaptureStats& s) const {
    const auto split = std::count_if(flows_.begin(), flows_.end(),
                                     [](const auto& flow) { return flow.second.size() > 1; });
    fmt::print(
        "packets={} bytes={} digest={:016x} times={:016x} tagged={} flows={} split={} "
        "dropped_kernel={} dropped_nic={} dropped_pool={} snapped={} coalesced={} "
        "checksum_partial={} copied={} held={} link_changes={} reopened={} per_source={}\n",
        s.packets, bytes_, digest_, times_, tagged_, flows_.size(), split, s.dropped_kernel,
        s.dropped_nic, s.dropped_pool, s.snapped_packets, s.coalesced_packets,
        s.checksum_partial_packets, s.copied_packets, s.ring_held, s.link_changes, s.reopened,
        fmt::join(per_source_, ","));
  }

 private:
  std::vector<std::uint64_t> per_source_;
  std::map<std::int64_t, std::set<std::size_t>> flows_;
  dpi::ByteBuffer whole_;
  std::uint64_t digest_ = 0;
  std::uint64_t times_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t tagged_ = 0;
};

dpi::CaptureStats sum(const Sources& sources) {
  dpi::CaptureStats sum;
  for (const auto& source : sources) {
    const dpi::CaptureStats s = source->stats();
    sum.packets += s.packets;
    sum.dropped_kernel += s.dropped_kernel;
    sum.dropped_nic += s.dropped_nic;
    sum.dropped_pool += s.dropped_pool;
    sum.snapped_packets += s.snapped_packets;
    sum.coalesced_packets += s.coalesced_packets;
    sum.checksum_partial_packets += s.checksum_partial_packets;
    sum.copied_packets += s.copied_packets;
    sum.ring_held += s.ring_held;
    sum.link_changes += s.link_changes;
    sum.reopened += s.reopened;
  }
  return sum;
}

dpi::Result<Sources> open(const Options& options) {
  if (options.kind == "af_packet") {
    Sources all;
    for (const std::string& interface : options.what) {
      dpi::AfPacketOptions packet = options.packet;
      packet.interface = interface;
      auto opened = dpi::open_af_packet(packet);
      if (!opened) return tl::unexpected(opened.error());
      for (auto& source : *opened) all.push_back(std::move(source));
    }
    return all;
  }
  if (options.kind == "dpdk") {
    dpi::DpdkOptions dpdk = options.dpdk;
    dpdk.huge_pages = false;
    return dpi::open_dpdk(dpdk);
  }
  auto file = dpi::open_file_source(options.what.at(0));
  if (!file) return tl::unexpected(file.error());
  Sources sources;
  sources.push_back(std::move(*file));
  return sources;
}

class Reader {
 public:
  Reader(Sources sources, const Options& options)
      : sources_(std::move(sources)),
        options_(options),
        totals_(sources_.size()),
        told_(sources_.size()) {}

  // 0, or 1 after an error or when the time was up.
  int run() {
    const auto deadline = Steady::now() + std::chrono::seconds{options_.deadline_s};
    std::optional<Steady::time_point> settled;
    for (;;) {
      if (!round()) return 1;
      const auto now = Steady::now();
      const dpi::CaptureStats s = sum(sources_);
      const std::uint64_t offered = s.packets + s.dropped_kernel + s.dropped_nic + s.dropped_pool;
      const bool all = options_.count > 0 && offered >= options_.count;
      if (all && !settled) settled = now + std::chrono::milliseconds{options_.settle_ms};
      if (ended_ == sources_.size() || (settled && now >= *settled)) break;
      if (now >= deadline) {
        fmt::print("DEADLINE after {} packets\n", offered);
        break;
      }
    }
    held_.clear();
    fmt::print("changed={} ", changed_);
    totals_.print(sum(sources_));
    return 0;
  }

 private:
  bool round() {
    ended_ = 0;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      dpi::Batch batch;
      constexpr std::size_t packets_max = 64;
      const auto state = sources_[i]->poll(batch, packets_max, std::chrono::milliseconds{2});
      tell(i);
      if (!state) {
        fmt::print("ERROR {}\n", state.error().what);
        return false;
      }
      if (*state == dpi::SourceState::end) ++ended_;
      for (const dpi::RawPacket& packet : batch.packets()) {
        totals_.add(i, packet);
        spend();
      }
      if (*state == dpi::SourceState::packets) keep(std::move(batch));
    }
    return true;
  }

  void tell(std::size_t i) {
    const auto warnings = sources_[i]->warnings();
    for (; told_[i] < warnings.size(); ++told_[i]) {
      fmt::print("WARNING {}\n", warnings[told_[i]]);
      std::fflush(stdout);
    }
  }

  void spend() const {
    const auto until = Steady::now() + std::chrono::microseconds{options_.slow_us};
    while (options_.slow_us > 0 && Steady::now() < until) continue;
  }

  static std::uint64_t digest_of(const dpi::Batch& batch) {
    std::uint64_t digest = 0;
    for (const dpi::RawPacket& packet : batch.packets())
      digest = dpi::siphash({digest, packet.wire_bytes}, packet.data);
    return digest;
  }

  // Out of order: the newest but one goes first.
  void keep(dpi::Batch batch) {
    const std::uint64_t digest = digest_of(batch);
    held_.push_back({std::move(batch), digest});
    while (held_.size() > options_.hold) {
      const std::size_t which = held_.size() > 2 ? held_.size() - 2 : 0;
      if (digest_of(held_[which].batch) != held_[which].digest) ++changed_;
      if (options_.release_elsewhere) elsewhere_.give(std::move(held_[which].batch));
      held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(which));
    }
  }

  Sources sources_;
  Options options_;
  Totals totals_;
  std::vector<std::size_t> told_;
  std::size_t ended_ = 0;
  dpi::test::Releaser elsewhere_;
  struct Held {
    dpi::Batch batch;
    std::uint64_t digest;
  };
  std::deque<Held> held_;
  std::uint64_t changed_ = 0;  // batches whose bytes were written to while they were held
};

}  // namespace

int main(int argc, char** argv) {
  Options o;
  CLI::App app{"reads a capture source and says what came"};
  app.add_option("kind", o.kind)->required()->check(CLI::IsMember({"file", "af_packet", "dpdk"}));
  app.add_option("what", o.what);
  app.add_option("--sockets", o.packet.sockets);
  app.add_option("--blocks", o.packet.blocks);
  app.add_option("--block-bytes", o.packet.block_bytes);
  app.add_option("--snap", o.packet.snap_bytes);
  app.add_option("--filter", o.packet.filter);
  app.add_flag("!--outgoing", o.packet.ignore_outgoing);
  app.add_option("--plugin", o.dpdk.plugin);
  app.add_option("--eal", o.dpdk.eal_arguments);
  app.add_option("--queues", o.dpdk.queues);
  app.add_option("--descriptors", o.dpdk.descriptors);
  app.add_option("--held-packets", o.dpdk.held_packets);
  app.add_option("--buffer-bytes", o.dpdk.buffer_bytes);
  app.add_flag("--twice", o.twice, "open it again afterwards");
  app.add_option("--count", o.count);
  app.add_option("--deadline", o.deadline_s);
  app.add_option("--settle-ms", o.settle_ms);
  app.add_option("--slow-us", o.slow_us);
  app.add_option("--hold", o.hold);
  app.add_flag("--release-elsewhere", o.release_elsewhere);
  CLI11_PARSE(app, argc, argv);
  auto sources = open(o);
  if (!sources) {
    fmt::print("ERROR {}\n", sources.error().what);
    return 1;
  }
  fmt::print("READY\n");
  std::fflush(stdout);
  const int code = Reader{std::move(*sources), o}.run();
  if (o.twice) {
    auto again = open(o);
    fmt::print("AGAIN {}\n", again ? "opened" : again.error().what);
  }
  return code;
}
