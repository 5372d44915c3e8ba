#include "probe/app/pipeline_parts.h"

#include <array>
#include <utility>

#include "probe/base/byte_cursor.h"
#include "probe/crypto/digest.h"
#include "probe/service/worker_sandbox.h"

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

Result<std::shared_ptr<Classifier>> fresh_classifier(ClassifierLimits limits) {
  struct Made {
    ClassifierLimits limits;
    std::shared_ptr<Classifier> classifier;
  };
  static auto* const made =
      new Made;  // NOLINT(*-owning-memory): the process ends without walking it
  if (made->classifier == nullptr || made->limits != limits) {
    auto opened = open_ndpi_classifier(limits);
    if (!opened) return tl::unexpected(opened.error());
    *made = {limits, std::move(*opened)};
  }
  return made->classifier;
}

SupervisorSettings supervisor_settings(const Config& config, const MemoryBudget& memory,
                                       bool sandbox) {
  SupervisorSettings out{.limits = config.pipeline_limits().lanes,
                         .seed = random_seed(),
                         .worker_cpus = config.worker_cpus(),
                         .data_bytes_max = memory.worker_data_bytes()};
  if (sandbox) {
    out.confine_supervisor = confine_supervisor;
    out.confine_worker = confine_worker;
  }
  return out;
}

}  // namespace dpi
