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

Result<std::vector<std::unique_ptr<Classifier>>> open_classifiers(ClassifierLimits limits,
                                                                  std::uint64_t workers) {
  std::vector<std::unique_ptr<Classifier>> out;
  for (std::uint64_t w = 0; w < workers; ++w) {
    auto classifier = open_ndpi_classifier(limits);
    if (!classifier) return tl::unexpected(classifier.error());
    out.push_back(std::move(*classifier));
  }
  return out;
}

}  // namespace dpi
