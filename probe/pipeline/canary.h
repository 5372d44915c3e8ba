// The probe's check of itself. Once a heartbeat a DNS exchange that it makes up is released into a
// front and takes the way of every packet: decoding, a lane of its own beside the others of a
// worker, nDPI, the recorder, spool, database. The next heartbeat says how long that took, or at
// which stage it stopped. Canaries visit fronts and workers in turn. No counter counts them but
// those of sealed events, for their events are sealed.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "probe/base/packet.h"
#include "probe/base/time.h"
#include "probe/event/heartbeat.h"

namespace dpi {

// Number of the newest canary that each stage has done with; canaries are numbered from 1. Each is
// written by its stage's thread only, and read by any.
struct CanaryProgress {
  std::atomic<std::uint64_t> asked{0};         // by the recorder
  std::atomic<std::uint64_t> decoded{0};       // by a front
  std::atomic<std::uint64_t> flow_tracked{0};  // by a worker: its flow has ended
  std::atomic<std::uint64_t> classified{0};    // nDPI gave it its name
  std::atomic<std::uint64_t> dns_tracked{0};   // query and response were paired
};

// The query and its response as Ethernet frames, at that time. Their bytes live for ever.
[[nodiscard]] std::array<RawPacket, 2> canary_exchange(Timestamp at) noexcept;
// What nDPI is to call it.
inline constexpr std::string_view canary_app = "DNS";

// How far events have got; sequence numbers of events, which all below have got there too.
struct StoredEvents {
  std::uint64_t durable_seq = 0;
  std::uint64_t durable_at_us = 0;           // CLOCK_BOOTTIME of the last commit
  std::optional<std::uint64_t> acked_seq{};  // none: no database is shipped to
  std::uint64_t acked_at_us = 0;
  bool disk_ok = true;
  bool database_ok = true;
};

// The recorder's side: one canary at a time. All times CLOCK_BOOTTIME, in microseconds.
class CanaryWatch {
 public:
  explicit CanaryWatch(CanaryProgress& progress) noexcept : progress_(progress) {}

  enum class Kind : std::uint8_t { flow, dns };
  // One of its events was sealed. Those of a canary that was given up are ignored.
  void sealed(Kind kind, std::uint64_t canary, std::uint64_t seq) noexcept;
  [[nodiscard]] bool waits_for_storage() const noexcept;
  void stored(const StoredEvents& stored) noexcept;

  // For a heartbeat: the last canary, once; nothing when there is none, or when it is younger than
  // its stage's patience and still under way.
  [[nodiscard]] std::optional<CanaryFacts> report(std::uint64_t now_us) noexcept;
  // After a heartbeat: releases the next one unless one is under way.
  void ask(std::uint64_t now_us) noexcept;

  static constexpr std::uint64_t patience_us = 5'000'000;
  // Behind others on their way to the database it is late, not lost.
  static constexpr std::uint64_t commit_patience_us = 30'000'000;

 private:
  struct Event {
    std::optional<std::uint64_t> seq;  // none: not sealed
    bool durable = false;
    std::optional<std::uint64_t> stored_at_us;  // where it is to end: database, or spool
  };
  [[nodiscard]] std::string_view stage() const noexcept;

  CanaryProgress& progress_;
  std::uint64_t number_ = 0;
  bool under_way_ = false;
  std::uint64_t asked_at_us_ = 0;
  std::array<Event, 2> events_{};
};

}  // namespace dpi
