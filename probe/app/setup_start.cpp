#include "probe/app/setup_start.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

namespace dpi {
namespace {

Result<void> enable(std::string unit) {
  std::array<std::string, 4> words{"systemctl", "enable", "--now", std::move(unit)};
  std::array<char*, words.size() + 1> arguments{};
  for (std::size_t i = 0; i < words.size(); ++i) arguments[i] = words[i].data();
  pid_t child = 0;
  int status = 0;
  if (::posix_spawnp(&child, words[0].c_str(), nullptr, nullptr, arguments.data(), environ) != 0)
    return fail(Errc::failure, "systemctl is not there: start the sensor as your system does it");
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return fail(Errc::failure,
              fmt::format("{} does not start: `journalctl -u {}` says why", words[3], words[3]));
}

}  // namespace

Result<void> start_and_await_canary(const std::string& unit, const std::string& instance,
                                    Postgres& database) {
  if (auto started = enable(unit); !started) return started;
  // A canary goes with each heartbeat, and a heartbeat comes every ten seconds.
  constexpr std::chrono::seconds patience{60};
  const auto began = std::chrono::steady_clock::now();
  const std::array arguments{SqlValue::text(instance)};
  while (std::chrono::steady_clock::now() - began < patience) {
    const auto rows = database.query(
        "select 1 from re_dpi.flow where canary and component_instance_id = $1::uuid limit 1",
        arguments);
    if (!rows) return tl::unexpected(rows.error());
    if (!rows->empty()) {
      const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - began;
      fmt::print("{} runs; its canary came through to its row after {:.0f} s\n", unit,
                 waited.count());
      return {};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{500});
  }
  return fail(Errc::sink,
              fmt::format("{} runs, but no canary of it became a row within {} s: `journalctl -u "
                          "{}`, `ransomeye-dpi status`",
                          unit, patience.count(), unit));
}

}  // namespace dpi
