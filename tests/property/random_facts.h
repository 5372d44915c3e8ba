// Facts as a probe may come to know them, at random and with a taste for extremes: the largest and
// the smallest numbers, empty and full lists, texts of any bytes at and around their limits, times
// from the first to the last that can be written. What the pipeline never gives (a flow that ends
// before it starts) is not among them.
#pragma once

#include <random>
#include <string>
#include <string_view>

#include "probe/crypto/signing_key.h"
#include "probe/event/payloads.h"
#include "probe/event/scan.h"

namespace dpi::test {

struct RandomEvent {
  std::string_view type;
  Timestamp observed_at{};
  std::string payload;
};

class RandomFacts {
 public:
  explicit RandomFacts(unsigned seed) : random_(seed) {}

  // Of any type but chain.start.
  [[nodiscard]] RandomEvent event();
  [[nodiscard]] static std::string chain_start(const PublicKey& key);
  [[nodiscard]] Timestamp time();

 private:
  [[nodiscard]] bool chance(unsigned percent) { return below(100) < percent; }
  [[nodiscard]] std::uint64_t below(std::uint64_t n) { return random_() % n; }
  [[nodiscard]] std::uint64_t number();
  [[nodiscard]] std::optional<std::uint64_t> maybe_number();
  [[nodiscard]] std::int64_t signed_number();
  [[nodiscard]] std::string bytes(std::size_t limit);
  [[nodiscard]] std::string hex_text(std::size_t digits);
  [[nodiscard]] Digest digest();
  [[nodiscard]] IpAddress address(bool v6);
  template <class List>
  [[nodiscard]] auto one_of(const List& list) {
    return list[below(std::size(list))];
  }
  [[nodiscard]] AnomalySet anomalies();
  [[nodiscard]] Software software();
  [[nodiscard]] AppMetadata metadata();
  [[nodiscard]] Flow flow();
  [[nodiscard]] ByteBuffer dns_message(bool response);
  [[nodiscard]] DnsTransaction dns();
  [[nodiscard]] HeartbeatFacts heartbeat();
  [[nodiscard]] LossReportFacts loss_report();
  [[nodiscard]] ScanFacts scan();

  std::mt19937_64 random_;
};

}  // namespace dpi::test
