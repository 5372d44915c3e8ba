// What the environment asks the preload for, and what it tells of what it did.
//   FAULT_DIR      only files below it are touched
//   FAULT_SEED     everything random follows from it
//   FAULT_CUT_AT   the power goes at this operation (from 1); 0 or nothing: never
//   FAULT_ERRORS   EIO=0.1,ENOSPC=0.05,…: each operation that can fail so does with this
//   probability;
//                  names: EIO ENOSPC EDQUOT EMFILE EINTR SHORT SYNC FOLDERSYNC
//   FAULT_STATE    a file of numbers, shared with whoever started this: see State
#pragma once

#include <atomic>
#include <cstdint>
#include <random>
#include <string>

namespace fault {

enum Kind : unsigned { eio, enospc, edquot, emfile, eintr, short_write, sync, folder_sync, kinds };

// Lives in FAULT_STATE, little-endian words; counters add up over processes.
struct State {
  std::atomic<std::int64_t> quiet;     // 1: no more errors
  std::atomic<std::int64_t> clock_ns;  // added to CLOCK_REALTIME
  std::atomic<std::int64_t> rate;      // CLOCK_BOOTTIME runs that much faster; 0 and 1: as it is
  std::atomic<std::int64_t> operations;
  std::atomic<std::int64_t> cuts;
  std::atomic<std::int64_t> sectors_lost;
  std::atomic<std::int64_t> names_lost;
  std::atomic<std::int64_t> errors[kinds];
};

struct Settings {
  std::string dir;
  std::uint64_t cut_at = 0;
  double probability[kinds] = {};
  State* state = nullptr;  // never null
  std::mt19937_64 random;

  [[nodiscard]] bool watches(const std::string& path) const {
    return !dir.empty() && path.compare(0, dir.size(), dir) == 0;
  }
  // How long a disk takes.
  unsigned sync_us() const { return static_cast<unsigned>(state->operations % 7) * 1000; }
  // Whether an error of that kind strikes now.
  bool strikes(Kind kind);
};

// Read at the first call.
Settings& settings();

}  // namespace fault
