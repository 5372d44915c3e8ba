#include "probe/app/pipeline_parts.h"

#include <array>

#include "probe/base/byte_cursor.h"
#include "probe/crypto/digest.h"
#include "probe/service/worker_sandbox.h"

namespace dpi {

namespace {

// What tables at their limits need, twice, and nDPI's automata: beyond it a worker has lost its
// senses. The sanitizers' shadow has no such bounds.
std::uint64_t data_bytes_max([[maybe_unused]] const Config& config) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return 0;
#else
  constexpr std::uint64_t base = 1ULL << 30U;
  constexpr std::uint64_t flow_bytes = 8192;
  constexpr std::uint64_t transaction_bytes = 16'384;
  return base + config.flow_flows_max * flow_bytes +
         config.dns_transactions_max * transaction_bytes + 2 * config.streams_bytes_max;
#endif
}

}  // namespace

HashSeed random_seed() {
  std::array<std::uint8_t, 16> bytes{};
  random_bytes(bytes);
  ByteCursor in{bytes};
  return {in.be64(), in.be64()};
}

HashSeed lane_seed_of(const Uuid& run) noexcept {
  ByteCursor in{run};
  return {in.be64(), in.be64()};
}

SupervisorSettings supervisor_settings(const Config& config, bool sandbox) {
  SupervisorSettings out{.limits = config.pipeline_limits().lanes,
                         .seed = random_seed(),
                         .worker_cpus = config.worker_cpus(),
                         .data_bytes_max = data_bytes_max(config)};
  if (sandbox) {
    out.confine_supervisor = confine_supervisor;
    out.confine_worker = confine_worker;
  }
  return out;
}

}  // namespace dpi
