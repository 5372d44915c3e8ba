// The shipping thread: ships what is durable for as long as it runs, through every absence of the
// database. What it knows may be read from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "probe/store/shipper.h"

namespace dpi {

struct ShippingOptions {
  // How long stop() goes on.
  std::chrono::seconds patience{5};
  // Patience begins anew with everything that gets out: a replay ends when all of it has.
  bool to_the_end = false;
  // For one answer of the database.
  std::chrono::seconds answer{60};
  // A live probe never gives up: what is refused today may be mended tomorrow. Of a refusal for
  // good it makes one row in the database, not one every time.
  bool try_again_when_refused = false;
};

struct ShippingStats {
  bool connected = false;
  std::uint64_t acked_seq = 0;        // events below it are committed in the database
  std::int64_t last_ack_wall_ns = 0;  // 0: never
  std::uint64_t attempts_failed = 0;
  std::uint64_t attempts_refused = 0;  // of those: the database answered, with a refusal
  std::uint64_t attempts_again = 0;    // after one that failed
  std::uint64_t last_commit_us = 0;
  std::uint64_t acked_at_us = 0;  // CLOCK_BOOTTIME of the last ack
};

class Shipping {
 public:
  // `durable` gives the number of the last durable commit; called from the shipping thread.
  Shipping(Shipper shipper, std::function<std::uint64_t()> durable, ShippingOptions options);
  Shipping(const Shipping&) = delete;
  Shipping& operator=(const Shipping&) = delete;
  ~Shipping();

  // Something new is durable.
  void wake() { wake_.notify_one(); }
  // Ships the rest and ends the thread; the error says why not everything is out.
  [[nodiscard]] Result<void> stop();

  [[nodiscard]] ShippingStats stats() const;
  // Attempts so far, with or without something to ship: stands still when the thread does.
  [[nodiscard]] std::uint64_t rounds() const noexcept {
    return rounds_.load(std::memory_order_relaxed);
  }
  // Why nothing goes out now; empty when it does.
  [[nodiscard]] std::string trouble() const;
  // Damage met in the spool since the last call.
  [[nodiscard]] std::vector<SpoolDamage> take_damage();
  // After stop().
  [[nodiscard]] const ShipReport& report() const noexcept { return shipper_.report(); }

 private:
  void run();
  [[nodiscard]] std::optional<Patience::Clock::time_point> ending_since();
  void note(const Result<bool>& round, std::uint64_t began_us);

  ShippingOptions options_;
  Patience patience_;
  Shipper shipper_;
  std::function<std::uint64_t()> durable_;
  Result<void> shipped_;  // the shipping thread's until it has been joined
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::optional<Patience::Clock::time_point> ending_since_;
  ShippingStats stats_;
  std::string trouble_;
  std::vector<SpoolDamage> damage_;
  std::size_t damage_noted_ = 0;  // of the shipper's
  std::atomic<std::uint64_t> rounds_{0};
  std::atomic<std::uint64_t> round_began_us_{0};  // 0: none is under way
  std::thread thread_;                            // last: it uses all of the above
};

}  // namespace dpi
