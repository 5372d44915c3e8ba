#include "probe/store/postgres.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <limits>

#include "probe/base/check.h"

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

Result<Postgres> Postgres::connect(const std::string& conninfo) {
  // Ours first: what the user gives, or libpq's service file, wins.
  const std::string full =
      "connect_timeout=10 application_name=ransomeye-dpi client_encoding=UTF8 " + conninfo;
  Postgres out{PQconnectdb(full.c_str())};
  if (PQstatus(handle(out.connection_.get())) == CONNECTION_OK) {
    PQsetNoticeProcessor(
        handle(out.connection_.get()), [](void*, const char*) {}, nullptr);
    return out;
  }
  return fail(Errc::sink,
              fmt::format("database: {}; is it running, and is --out postgres:CONNINFO or "
                          "database.conninfo right?",
                          one_line(PQerrorMessage(handle(out.connection_.get())))));
}

bool Postgres::alive() const noexcept {
  return PQstatus(handle(connection_.get())) == CONNECTION_OK;
}

Error Postgres::describe(const void* result) const {
  const auto* const r = static_cast<const PGresult*>(result);
  const char* const primary =
      r != nullptr ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : nullptr;
  const char* const hint = r != nullptr ? PQresultErrorField(r, PG_DIAG_MESSAGE_HINT) : nullptr;
  std::string text = primary != nullptr ? primary : PQerrorMessage(handle(connection_.get()));
  if (hint != nullptr) text += fmt::format(" ({})", hint);
  return {Errc::sink, fmt::format("database: {}", one_line(std::move(text)))};
}

Result<void> Postgres::run(const std::string& sql) {
  const ResultHandle result{PQexec(handle(connection_.get()), sql.c_str())};
  if (!succeeded(result.get())) return tl::unexpected(describe(result.get()));
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
  const ResultHandle result{PQexecParams(handle(connection_.get()), sql.c_str(),
                                         static_cast<int>(arguments.size()), types.data(),
                                         values.data(), lengths.data(), formats.data(), 0)};
  if (!succeeded(result.get())) return tl::unexpected(describe(result.get()));
  SqlRows rows;
  for (int r = 0; r < PQntuples(result.get()); ++r) {
    SqlRow& row = rows.emplace_back();
    for (int c = 0; c < PQnfields(result.get()); ++c) {
      if (PQgetisnull(result.get(), r, c) != 0) {
        row.emplace_back();
      } else {
        row.emplace_back(std::string(PQgetvalue(result.get(), r, c),
                                     static_cast<std::size_t>(PQgetlength(result.get(), r, c))));
      }
    }
  }
  return rows;
}

}  // namespace dpi
