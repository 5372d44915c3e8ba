#include "probe/store/postgres.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "probe/base/check.h"
#include "probe/store/connecting.h"

namespace dpi {
namespace {

// Type OIDs of the catalogue, the same in every release (pg_type.dat).
constexpr std::uint32_t oid_bool = 16, oid_bytea = 17, oid_int8 = 20, oid_text = 25,
                        oid_uuid = 2950, oid_bytea_array = 1001;

void put32(ByteBuffer& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(value >> shift));
}

PGconn* handle(void* connection) noexcept {
  return static_cast<PGconn*>(connection);
}

struct ResultFree {
  void operator()(PGresult* result) const noexcept { PQclear(result); }
};
using ResultHandle = std::unique_ptr<PGresult, ResultFree>;

// libpq ends its messages with newlines; ours are one line.
std::string one_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

bool succeeded(const PGresult* result) noexcept {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

SqlRows rows_of(const PGresult* result) {
  SqlRows rows;
  for (int r = 0; r < PQntuples(result); ++r) {
    SqlRow& row = rows.emplace_back();
    for (int c = 0; c < PQnfields(result); ++c) {
      if (PQgetisnull(result, r, c) != 0) {
        row.emplace_back();
      } else {
        row.emplace_back(std::string(PQgetvalue(result, r, c),
                                     static_cast<std::size_t>(PQgetlength(result, r, c))));
      }
    }
  }
  return rows;
}

// libpq leaves the keeping of connect_timeout to whoever connects without blocking.
std::chrono::milliseconds connect_timeout(const ConnectParameters& parameters) {
  constexpr int seconds_default = 10;
  int seconds = 0;
  for (const auto& [name, value] : parameters) {
    if (name != "connect_timeout") continue;
    std::from_chars(value.data(), value.data() + value.size(), seconds);
  }
  return std::chrono::seconds{seconds > 0 ? seconds : seconds_default};
}

}  // namespace

SqlValue SqlValue::null() {
  return {};
}

SqlValue SqlValue::text(std::string_view value) {
  SqlValue out = bytes(as_bytes(value));
  out.type_ = oid_text;
  return out;
}

SqlValue SqlValue::bytes(Bytes value) {
  SqlValue out;
  out.type_ = oid_bytea;
  out.value_.emplace(value.begin(), value.end());
  return out;
}

SqlValue SqlValue::uuid(const Uuid& value) {
  SqlValue out = bytes(value);
  out.type_ = oid_uuid;
  return out;
}

SqlValue SqlValue::int8(std::int64_t value) {
  SqlValue out;
  out.type_ = oid_int8;
  ByteBuffer& wire = out.value_.emplace();
  put32(wire, static_cast<std::uint32_t>(static_cast<std::uint64_t>(value) >> 32U));
  put32(wire, static_cast<std::uint32_t>(static_cast<std::uint64_t>(value) & 0xffffffffU));
  return out;
}

SqlValue SqlValue::boolean(bool value) {
  SqlValue out;
  out.type_ = oid_bool;
  out.value_.emplace(1, static_cast<std::uint8_t>(value ? 1 : 0));
  return out;
}

// array_recv: dimensions, has-nulls flag, element type, then length and lower bound of the one
// dimension.
SqlValue SqlValue::bytes_array(std::span<const Bytes> values) {
  SqlValue out;
  out.type_ = oid_bytea_array;
  ByteBuffer& wire = out.value_.emplace();
  put32(wire, values.empty() ? 0 : 1);
  put32(wire, 0);
  put32(wire, oid_bytea);
  if (values.empty()) return out;
  put32(wire, static_cast<std::uint32_t>(values.size()));
  put32(wire, 1);
  for (const Bytes value : values) {
    put32(wire, static_cast<std::uint32_t>(value.size()));
    wire.insert(wire.end(), value.begin(), value.end());
  }
  return out;
}

void Postgres::Close::operator()(void* connection) const noexcept {
  PQfinish(handle(connection));
}

namespace {

// How values are written and read, and how long a statement may take, is what we expect, whatever
// server, database or role have for a default.
constexpr const char* session_settings =
    "set standard_conforming_strings = on; set bytea_output = hex; set datestyle = 'ISO, YMD'; "
    "set intervalstyle = postgres; set timezone = 'UTC'; set extra_float_digits = 1; "
    "set statement_timeout = 0; set lock_timeout = 0; "
    "set idle_in_transaction_session_timeout = 0; "
    "set default_transaction_isolation = 'read committed'";

}  // namespace

Result<Postgres> Postgres::connect(const std::string& conninfo, const Patience* patience) {
  const auto given = parse_conninfo(conninfo);
  if (!given) return tl::unexpected(given.error());
  static const Patience any;
  Error failed;
  for (const ConnectParameters& host : by_host(*given)) {
    // Ours first: what the user gives, or libpq's service file, wins. Twenty seconds without an
    // acknowledgement end a connection that would else look alive for a quarter of an hour.
    ConnectParameters all = {{"fallback_application_name", "ransomeye-dpi"},
                             {"client_encoding", "UTF8"},
                             {"keepalives_idle", "10"},
                             {"keepalives_interval", "5"},
                             {"keepalives_count", "2"},
                             {"tcp_user_timeout", "20000"}};
    all.insert(all.end(), host.begin(), host.end());
    const Patience& waits = patience != nullptr ? *patience : any;
    const Connected made = connect_within(all, waits, waits.until(connect_timeout(host)));
    Postgres out{made.connection, &waits};
    if (!made.why.empty()) {
      failed = {Errc::sink,
                fmt::format("database: {}; is it running, and is --out postgres:CONNINFO or "
                            "database.conninfo right?",
                            one_line(made.why))};
      continue;
    }
    PQsetNoticeProcessor(
        handle(made.connection), [](void*, const char*) {}, nullptr);
    PQsetnonblocking(handle(made.connection), 1);
    const auto set = out.run(session_settings);
    if (set) return out;
    failed = set.error();
  }
  return tl::unexpected(std::move(failed));
}

bool Postgres::wait(short events, Patience::Clock::time_point deadline) {
  // Short enough that an end which another thread sets meanwhile is seen.
  constexpr int slice_ms = 50;
  while (!patience_->over(deadline)) {
    pollfd waiting{.fd = PQsocket(handle(connection_.get())), .events = events, .revents = 0};
    if (::poll(&waiting, 1, slice_ms) > 0) return true;
  }
  return false;
}

bool Postgres::alive() const noexcept {
  return !given_up_ && PQstatus(handle(connection_.get())) == CONNECTION_OK;
}

Error Postgres::describe(const void* result) {
  const auto* const r = static_cast<const PGresult*>(result);
  const auto field = [r](int code) { return r != nullptr ? PQresultErrorField(r, code) : nullptr; };
  const char* const state = field(PG_DIAG_SQLSTATE);
  const char* const primary = field(PG_DIAG_MESSAGE_PRIMARY);
  const char* const hint = field(PG_DIAG_MESSAGE_HINT);
  sqlstate_ = state != nullptr ? state : "";
  std::string text = primary != nullptr ? primary : PQerrorMessage(handle(connection_.get()));
  if (hint != nullptr) text += fmt::format(" ({})", hint);
  return {Errc::sink, fmt::format("database: {}", one_line(std::move(text)))};
}

tl::unexpected<Error> Postgres::late() {
  given_up_ = true;
  sqlstate_.clear();
  return fail(Errc::sink, "database: it did not answer in time; is it blocked or overloaded?");
}

// The server may have to be read from before it reads on.
Result<void> Postgres::send_rest(Patience::Clock::time_point deadline) {
  PGconn* const connection = handle(connection_.get());
  for (int unsent = PQflush(connection); unsent != 0; unsent = PQflush(connection)) {
    if (unsent < 0) return tl::unexpected(describe(nullptr));
    if (!wait(POLLIN | POLLOUT, deadline)) return late();
    if (PQconsumeInput(connection) == 0) return tl::unexpected(describe(nullptr));
  }
  return {};
}

// Reads until the server is ready for the next statement. The answer is that of the last one, or
// the first error.
Result<SqlRows> Postgres::answer(bool sent) {
  PGconn* const connection = handle(connection_.get());
  if (!sent) return tl::unexpected(describe(nullptr));
  const auto deadline = patience_->until(patience_->answer());
  if (auto rest = send_rest(deadline); !rest) return tl::unexpected(rest.error());
  ResultHandle last;
  for (;;) {
    while (PQisBusy(connection) != 0) {
      if (!wait(POLLIN, deadline)) return late();
      if (PQconsumeInput(connection) == 0) return tl::unexpected(describe(nullptr));
    }
    ResultHandle next{PQgetResult(connection)};
    if (!next) break;
    if (!last || succeeded(last.get())) last = std::move(next);
  }
  if (!succeeded(last.get())) return tl::unexpected(describe(last.get()));
  return rows_of(last.get());
}

// Each message is one row. Before the first stands the header of the format, behind the last its
// trailer; both may stand alone.
Result<void> Postgres::rows_of_copy(const RowSink& row) {
  constexpr std::size_t header_bytes = 11 + 4 + 4;  // signature, flags, length of an extension
  PGconn* const connection = handle(connection_.get());
  bool begun = false;
  Result<void> outcome;
  for (;;) {
    char* buffer = nullptr;
    const int size = PQgetCopyData(connection, &buffer, 1);
    const std::unique_ptr<char, decltype(&PQfreemem)> owned{buffer, &PQfreemem};
    if (size == -1) return outcome;
    if (size < 0) return tl::unexpected(describe(nullptr));
    if (size == 0) {
      if (!wait(POLLIN, patience_->until(patience_->answer()))) return late();
      if (PQconsumeInput(connection) == 0) return tl::unexpected(describe(nullptr));
      continue;
    }
    Bytes bytes = as_bytes({buffer, static_cast<std::size_t>(size)});
    if (!std::exchange(begun, true)) bytes = bytes.subspan(std::min(header_bytes, bytes.size()));
    const bool trailer = bytes.size() == 2 && bytes[0] == 0xff && bytes[1] == 0xff;
    if (bytes.empty() || trailer) continue;
    // What comes behind an error is read and left, so that the connection stays of use.
    if (outcome) outcome = row(bytes);
  }
}

Result<void> Postgres::copy_out(const std::string& select, const RowSink& row) {
  PGconn* const connection = handle(connection_.get());
  const std::string sql = fmt::format("copy ({}) to stdout (format binary)", select);
  if (PQsendQuery(connection, sql.c_str()) == 0) return tl::unexpected(describe(nullptr));
  const auto deadline = patience_->until(patience_->answer());
  if (auto rest = send_rest(deadline); !rest) return rest;
  Result<void> outcome;
  for (;;) {
    while (PQisBusy(connection) != 0) {
      if (!wait(POLLIN, deadline)) return late();
      if (PQconsumeInput(connection) == 0) return tl::unexpected(describe(nullptr));
    }
    const ResultHandle next{PQgetResult(connection)};
    if (!next) return outcome;
    if (PQresultStatus(next.get()) == PGRES_COPY_OUT) {
      outcome = rows_of_copy(row);
      if (!alive()) return outcome;
    } else if (!succeeded(next.get()) && outcome) {
      outcome = tl::unexpected(describe(next.get()));
    }
  }
}

Result<void> Postgres::run(const std::string& sql) {
  const auto done = answer(PQsendQuery(handle(connection_.get()), sql.c_str()) != 0);
  if (!done) return tl::unexpected(done.error());
  return {};
}

Result<SqlRows> Postgres::query(const std::string& sql, std::span<const SqlValue> arguments) {
  std::vector<Oid> types;
  std::vector<const char*> values;
  std::vector<int> lengths;
  for (const SqlValue& a : arguments) {
    types.push_back(a.type_);
    // An empty value is not NULL, but an empty vector's data() may be.
    const char* const bytes = a.value_ && !a.value_->empty() ? as_text(*a.value_).data() : "";
    values.push_back(a.value_ ? bytes : nullptr);
    const std::size_t size = a.value_ ? a.value_->size() : 0;
    DPI_CHECK(size <= static_cast<std::size_t>(std::numeric_limits<int>::max()));
    lengths.push_back(static_cast<int>(size));
  }
  const std::vector<int> formats(arguments.size(), 1);  // binary
  return answer(PQsendQueryParams(handle(connection_.get()), sql.c_str(),
                                  static_cast<int>(arguments.size()), types.data(), values.data(),
                                  lengths.data(), formats.data(), 0) != 0);
}

}  // namespace dpi
