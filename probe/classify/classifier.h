// What an application a flow is: the interface that the pipeline sees. One classifier per worker
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dissectors/packet_view.h"
#include "probe/base/result.h"
#include "probe/flow/flow.h"

namespace dpi {

// Names as nDPI gives them; they live as long as the classifier.
struct Verdict {
  std::string_view master;
  std::string_view app;
  std::string_view category;
  std::string_view confidence;
  std::uint64_t decided_at_packet = 0;  // number of the flow's packet; 0: guessed at the end
  std::uint32_t risk_score = 0;
  std::vector<std::string_view> risks;  // sorted, unique
};

class Classifier {
 public:
  virtual ~Classifier() = default;
  // One packet of the flow, in order; `time` is the flow table's clamped time.
  virtual void inspect(const Flow& flow, const PacketView& view, Timestamp time) = 0;
  // The verdict so far, for a periodic record; inspection goes on.
  [[nodiscard]] virtual Verdict verdict(const Flow& flow) = 0;
  // The last word; what was kept for the flow is freed.
  [[nodiscard]] virtual Verdict conclude(const Flow& flow) = 0;
  // What is kept about the flow, at most; until its next packet or end.
  [[nodiscard]] virtual std::size_t memory_bytes(const Flow& /*flow*/) const { return 0; }
  [[nodiscard]] virtual std::string version() const = 0;
  // The shared library behind it; empty: there is none.
  [[nodiscard]] virtual std::string library_path() const { return {}; }
};

struct ClassifierLimits {
  std::uint32_t tcp_packets = 16;  // with payload, handed to nDPI
  std::uint32_t udp_packets = 8;
  std::uint32_t other_packets = 1;
  bool operator==(const ClassifierLimits&) const = default;
};

[[nodiscard]] Result<std::unique_ptr<Classifier>> open_ndpi_classifier(ClassifierLimits limits);

}  // namespace dpi
