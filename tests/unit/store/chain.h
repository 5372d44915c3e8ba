// A chain of events for tests of sinks.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "probe/envelope/sealer.h"
#include "probe/store/event_sink.h"

namespace dpi::test {

// Seals the same events whenever it is made again, up to where `flavour` changes what they say.
class Chain {
 public:
  explicit Chain(std::uint64_t flavour_from = ~std::uint64_t{0})
      : flavour_from_(flavour_from), sealer_(identity(), SigningKey::from_seed(Digest{7})) {}

  [[nodiscard]] static Identity identity() {
    Identity out;
    out.instance = {1, 2, 3, 4, 5, 6, 0x70, 8, 0x89, 10, 11, 12, 13, 14, 15, 16};
    out.machine = {9, 9, 9, 4, 5, 6, 0x80, 8, 0x89, 10, 11, 12, 13, 14, 15, 16};
    out.boot = {3, 3, 3, 4, 5, 6, 0x40, 8, 0x89, 10, 11, 12, 13, 14, 15, 16};
    out.hostname = "sensor";
    out.version = "1.0.0";
    out.mode = Mode::replay;
    return out;
  }

  // One committed batch of so many events.
  void write(EventSink& sink, std::uint64_t events) {
    for (std::uint64_t i = 0; i < events; ++i) {
      const std::uint64_t seq = sealer_.next_seq();
      const std::string payload =
          fmt::format(R"({{"n":{}}})", seq + (seq >= flavour_from_ ? 1000 : 0));
      const Timestamp at = timestamp(static_cast<std::int64_t>(1'700'000'000'000'000'000 + seq));
      const auto sealed = sealer_.seal({.type = seq == 0 ? "chain.start" : "test.event",
                                        .version = 1,
                                        .observed_at = at,
                                        .payload = payload},
                                       {.emitted_at = at, .mono_us = seq});
      const auto taken = sink.event(seq, sealed, payload);
      ASSERT_TRUE(taken) << taken.error().what;
    }
    const auto committed = sink.checkpoint(sealer_.checkpoint(), sealer_.head());
    ASSERT_TRUE(committed) << committed.error().what;
  }
  [[nodiscard]] std::uint64_t size() const { return sealer_.next_seq(); }
  [[nodiscard]] const Sealer& sealer() const { return sealer_; }

 private:
  std::uint64_t flavour_from_;
  Sealer sealer_;
};

}  // namespace dpi::test
