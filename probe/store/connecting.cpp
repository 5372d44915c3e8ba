#include "probe/store/connecting.h"

#include <libpq-fe.h>
#include <poll.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace dpi {
namespace {

using std::chrono::milliseconds;

// Short enough that an end which another thread sets meanwhile is seen.
constexpr milliseconds slice{50};
// Attempts that nobody waits for any more, in this process. A resolver gives up at last, too.
constexpr int left_behind_max = 4;
std::atomic<int> left_behind{0};

struct Finish {
  void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
};
using Connection = std::unique_ptr<PGconn, Finish>;

// One attempt, shared by the thread that makes it and the one that waits for it.
struct Attempt {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  bool left = false;  // nobody waits
  Connection connection;
};

Connection start(const ConnectParameters& parameters) {
  std::vector<const char*> names;
  std::vector<const char*> values;
  for (const auto& [name, value] : parameters) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  return Connection{PQconnectStartParams(names.data(), values.data(), 0)};
}

void work(const std::shared_ptr<Attempt>& attempt, const ConnectParameters& parameters) {
  const auto left = [&attempt] {
    const std::lock_guard lock(attempt->mutex);
    return attempt->left;
  };
  Connection connection = start(parameters);
  PostgresPollingStatusType next = PGRES_POLLING_WRITING;
  if (PQstatus(connection.get()) == CONNECTION_BAD) next = PGRES_POLLING_FAILED;
  while (next != PGRES_POLLING_OK && next != PGRES_POLLING_FAILED && !left()) {
    const short events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    pollfd waiting{.fd = PQsocket(connection.get()), .events = events, .revents = 0};
    if (::poll(&waiting, 1, static_cast<int>(slice.count())) > 0)
      next = PQconnectPoll(connection.get());
  }
  std::unique_lock lock(attempt->mutex);
  attempt->done = true;
  if (attempt->left) {
    lock.unlock();
    connection.reset();
    left_behind.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  attempt->connection = std::move(connection);
  attempt->changed.notify_one();
}

}  // namespace

Connected connect_within(const ConnectParameters& parameters, const Patience& patience,
                         Patience::Clock::time_point deadline) {
  if (left_behind.load(std::memory_order_relaxed) >= left_behind_max)
    return {nullptr, "earlier attempts still wait for a name server"};
  const auto attempt = std::make_shared<Attempt>();
  try {
    std::thread([attempt, parameters] { work(attempt, parameters); }).detach();
  } catch (const std::system_error& e) {
    return {nullptr, e.code().message()};
  }
  std::unique_lock lock(attempt->mutex);
  while (!attempt->done) {
    if (patience.over(deadline)) {
      attempt->left = true;
      left_behind.fetch_add(1, std::memory_order_relaxed);
      return {nullptr, "no answer in time"};
    }
    attempt->changed.wait_for(lock, slice);
  }
  PGconn* const connection = attempt->connection.release();
  return {connection,
          PQstatus(connection) == CONNECTION_OK ? std::string{} : PQerrorMessage(connection)};
}

}  // namespace dpi
