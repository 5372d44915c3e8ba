// `ransomeye-dpi keys rotate`, on the sensor: a new key for a chain that goes on. Two steps around
// a restart, each of which may be interrupted and said again.
#pragma once

#include <string>

namespace dpi {

struct RotateOptions {
  std::string key;           // its file
  std::string finish_spool;  // empty: begin; else the spool of the chain that was handed over
};
// Begins: puts a new key behind the one in the file; the sensor hands over at its next start.
// Finishes: prints what the database has to know, then removes the old key from the file.
[[nodiscard]] int run_keys_rotate(const RotateOptions& options);

}  // namespace dpi
