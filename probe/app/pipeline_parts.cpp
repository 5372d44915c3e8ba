#include "probe/app/pipeline_parts.h"

#include <array>

#include "probe/base/byte_cursor.h"
#include "probe/crypto/digest.h"

namespace dpi {

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

SupervisorSettings supervisor_settings(const Config& config) {
  return {.limits = config.pipeline_limits().lanes,
          .seed = random_seed(),
          .worker_cpus = config.worker_cpus()};
}

}  // namespace dpi
