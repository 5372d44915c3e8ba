#include "tests/fault/preload/settings.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/fault/preload/real.h"

namespace fault {
namespace {

const char* const names[kinds] = {"EIO",   "ENOSPC", "EDQUOT", "EMFILE",
                                  "EINTR", "SHORT",  "SYNC",   "FOLDERSYNC"};

std::string text(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

State* map_state() {
  static State own;
  const std::string path = text("FAULT_STATE");
  if (path.empty()) return &own;
  const int fd = FAULT_REAL(open)(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0 || FAULT_REAL(ftruncate)(fd, sizeof(State)) != 0) std::abort();
  void* const at = ::mmap(nullptr, sizeof(State), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  FAULT_REAL(close)(fd);
  if (at == MAP_FAILED) std::abort();
  return static_cast<State*>(at);
}

Settings read() {
  Settings out;
  out.state = map_state();
  out.dir = text("FAULT_DIR");
  out.cut_at = std::strtoull(text("FAULT_CUT_AT").c_str(), nullptr, 10);
  out.random.seed(std::strtoull(text("FAULT_SEED").c_str(), nullptr, 10));
  const std::string errors = "," + text("FAULT_ERRORS");
  for (unsigned k = 0; k < kinds; ++k) {
    const std::string key = "," + std::string{names[k]} + "=";
    const std::size_t at = errors.find(key);
    if (at != std::string::npos)
      out.probability[k] = std::strtod(errors.c_str() + at + key.size(), nullptr);
  }
  return out;
}

}  // namespace

Settings& settings() {
  static Settings all = read();
  return all;
}

bool Settings::strikes(Kind kind) {
  if (probability[kind] <= 0 || state->quiet != 0) return false;
  if (std::uniform_real_distribution<>{}(random) >= probability[kind]) return false;
  ++state->errors[kind];
  return true;
}

}  // namespace fault
