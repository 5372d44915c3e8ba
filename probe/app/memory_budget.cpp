#include "probe/app/memory_budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <fstream>
#include <numeric>
#include <sstream>

#include "probe/dns/open_table.h"
#include "probe/envelope/envelope.h"
#include "probe/flow/flow_table.h"
#include "probe/flow/fragment_table.h"
#include "probe/pipeline/fact_batch.h"
#include "probe/pipeline/scan_aggregator.h"
#include "probe/pipeline/work_batch.h"

namespace dpi {
namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20U;

// What stands beside each item: links, places in hash tables, a verdict; vectors that double.
constexpr std::uint64_t flow_bytes = sizeof(Flow) + FlowTable::kept_bytes_each + 320;
constexpr std::uint64_t transaction_bytes = OpenDnsTable::bytes_each + 320;
constexpr std::uint64_t connection_bytes = 1024;  // of DNS over TCP
constexpr std::uint64_t datagram_bytes = 1024;
constexpr std::uint64_t scan_bytes = 1024;
// A sealed event is in the batch that is filled, in the spool's, and on its way to the database as
// read, as text, in libpq.
constexpr std::uint64_t event_bytes = envelope_bytes_max + payload_bytes_max;
constexpr std::uint64_t event_copies = 6;
// An output has a batch as read, and lines that are not written yet.
constexpr std::uint64_t output_lines_bytes = mib;
// Programs, libraries, nDPI's automata, stacks, connections; of each worker what it writes of them,
// and windows of mirrored packets.
constexpr std::uint64_t program_bytes = 128 * mib;
constexpr std::uint64_t worker_bytes = 32 * mib;
// Small pieces that an allocator cannot use for large ones.
constexpr std::uint64_t with_waste(std::uint64_t bytes) noexcept {
  return bytes + bytes / 8;
}

constexpr std::size_t batches_min = 4;
constexpr std::size_t fact_batches_max = 64;

std::uint64_t words_in(const std::string& text) {
  std::istringstream in(text);
  std::uint64_t count = 0;
  for (std::string word; in >> word;) ++count;
  return count;
}

}  // namespace

MemoryShape memory_shape(const Config& config) {
  MemoryShape out{.workers = config.workers_count};
  out.rings = words_in(config.capture_interfaces) * config.capture_sockets;
  out.fronts = out.rings + (config.capture_dpdk.empty() ? 0 : config.capture_dpdk_queues);
  out.fronts = std::max<std::uint64_t>(out.fronts, 1);
  return out;
}

MemoryBudget::MemoryBudget(const Config& config, const MemoryShape& shape)
    : shape_(shape),
      limit_bytes_(config.limits_memory_mib * mib),
      batches_(std::bit_ceil(config.workers_batches)) {
  const PipelineLimits limits = config.pipeline_limits();
  const FragmentLimits& fragments = limits.front.fragments;
  parts_ = {
      {"flows", "flow.flows_max", with_waste(limits.lanes.flows.flows_max * flow_bytes)},
      {"streams", "streams.bytes_max", with_waste(2 * limits.lanes.stream_bytes_max)},
      {"DNS", "dns.transactions_max",
       with_waste(limits.lanes.dns.transactions_max * transaction_bytes +
                  limits.lanes.dns.streams_max * connection_bytes)},
  };
  for (const MemoryPart& part : parts_) table_bytes_ += part.bytes;
  parts_.push_back(
      {"fragments", "fragments.bytes_max, fragments.datagrams_max",
       with_waste(shape.fronts * (fragments.bytes_max + fragments.datagrams_max * datagram_bytes +
                                  2 * fragments.held_max * sizeof(HeldFragment)))});
  parts_.push_back(
      {"events", "signing.checkpoint_events",
       with_waste(config.signing_checkpoint_events * (event_copies + shape.outputs) * event_bytes +
                  shape.outputs * output_lines_bytes + ScanAggregator::entries_max * scan_bytes)});
  parts_.push_back(
      {"rings", "capture.ring_mib, capture.sockets", shape.rings * config.capture_ring_mib * mib});
  parts_.push_back({"programs", "workers.count", program_bytes + shape.workers * worker_bytes});
  const std::uint64_t others = bytes();
  while (batches_ > batches_min && others + queue_bytes() > limit_bytes_) batches_ /= 2;
  parts_.push_back({"queues", "workers.count", queue_bytes()});
}

std::size_t MemoryBudget::fact_batches() const noexcept {
  return std::min(batches_, fact_batches_max);
}

std::uint64_t MemoryBudget::queue_bytes() const noexcept {
  return shape_.workers *
         (shape_.fronts * batches_ * sizeof(WorkBatch) + fact_batches() * sizeof(FactBatch));
}

std::uint64_t MemoryBudget::bytes() const noexcept {
  return std::accumulate(
      parts_.begin(), parts_.end(), std::uint64_t{0},
      [](std::uint64_t sum, const MemoryPart& part) { return sum + part.bytes; });
}

std::string MemoryBudget::text() const {
  std::string out;
  for (const MemoryPart& part : parts_) {
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", part.name, (part.bytes + mib - 1) / mib);
  }
  return out;
}

Result<void> MemoryBudget::check() const {
  if (bytes() <= limit_bytes_) return {};
  const MemoryPart& largest = *std::max_element(
      parts_.begin(), parts_.end(), [](const auto& a, const auto& b) { return a.bytes < b.bytes; });
  return fail(Errc::usage,
              fmt::format("limits.memory_mib = {}: the bounds of all tables and queues make {} MiB "
                          "({}): raise it, or lower {}",
                          limit_bytes_ / mib, (bytes() + mib - 1) / mib, text(), largest.keys));
}

std::uint64_t MemoryBudget::worker_data_bytes() const noexcept {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return 0;
#else
  const std::uint64_t lanes = (lane_count + shape_.workers - 1) / shape_.workers + 1;  // a canary's
  const std::uint64_t share = std::min(table_bytes_, table_bytes_ / lane_count * lanes);
  return program_bytes + worker_bytes + share + share / 4;
#endif
}

std::optional<std::uint64_t> control_group_memory_max() {
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (!line.starts_with("0::")) continue;
    std::ifstream file("/sys/fs/cgroup" + line.substr(3) + "/memory.max");
    std::uint64_t bytes = 0;
    if (file >> bytes) return bytes;
  }
  return std::nullopt;
}

}  // namespace dpi
