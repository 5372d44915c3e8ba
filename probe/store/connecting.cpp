#include "probe/store/connecting.h"

#include <libpq-fe.h>
#include <poll.h>

#include <memory>
#include <vector>

#include "probe/store/attempt.h"

namespace dpi {
namespace {

// Short enough that who waits is soon seen to have left.
constexpr int slice_ms = 50;

struct Finish {
  void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
};
using Connection = std::unique_ptr<PGconn, Finish>;

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

Connection connect(const ConnectParameters& parameters, const AttemptLeft& left) {
  Connection connection = start(parameters);
  PostgresPollingStatusType next = PGRES_POLLING_WRITING;
  if (PQstatus(connection.get()) == CONNECTION_BAD) next = PGRES_POLLING_FAILED;
  while (next != PGRES_POLLING_OK && next != PGRES_POLLING_FAILED && !left()) {
    const short events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    pollfd waiting{.fd = PQsocket(connection.get()), .events = events, .revents = 0};
    if (::poll(&waiting, 1, slice_ms) > 0) next = PQconnectPoll(connection.get());
  }
  return connection;
}

}  // namespace

Connected connect_within(const ConnectParameters& parameters, const Patience& patience,
                         Patience::Clock::time_point deadline) {
  auto attempt = attempt_within<Connection>(
      [parameters](const AttemptLeft& left) { return connect(parameters, left); }, patience,
      deadline);
  if (!attempt) return {nullptr, attempt.error().what};
  PGconn* const connection = attempt->release();
  return {connection,
          PQstatus(connection) == CONNECTION_OK ? std::string{} : PQerrorMessage(connection)};
}

}  // namespace dpi
