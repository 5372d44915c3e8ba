// A database connection: libpq with errors as values. The only file that knows libpq is
// postgres.cpp. Owned by one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "probe/base/bytes.h"
#include "probe/base/hex.h"
#include "probe/base/result.h"
#include "probe/store/patience.h"

namespace dpi {

// One argument of a statement ($1 …), in PostgreSQL's binary form.
class SqlValue {
 public:
  [[nodiscard]] static SqlValue null();
  [[nodiscard]] static SqlValue text(std::string_view value);
  [[nodiscard]] static SqlValue bytes(Bytes value);
  [[nodiscard]] static SqlValue uuid(const Uuid& value);
  [[nodiscard]] static SqlValue int8(std::int64_t value);
  [[nodiscard]] static SqlValue boolean(bool value);
  [[nodiscard]] static SqlValue bytes_array(std::span<const Bytes> values);

 private:
  friend class Postgres;
  std::uint32_t type_ = 0;  // OID; 0: the server finds out
  std::optional<ByteBuffer> value_;
};

// Rows as the server's text form; bytea columns must be selected as encode(…, 'hex').
using SqlRow = std::vector<std::optional<std::string>>;
using SqlRows = std::vector<SqlRow>;

class Postgres {
 public:
  // Errc::sink with the server's reason and what to do, Errc::usage for a connection string that is
  // none. A host has connect_timeout, or ten seconds, then the next one is tried. `patience`
  // outlives the connection; none: whoever asks waits for answers as long as they take.
  [[nodiscard]] static Result<Postgres> connect(const std::string& conninfo,
                                                const Patience* patience = nullptr);

  // Several statements without arguments.
  [[nodiscard]] Result<void> run(const std::string& sql);
  [[nodiscard]] Result<SqlRows> query(const std::string& sql,
                                      std::span<const SqlValue> arguments = {});
  // `COPY (…) TO STDOUT (FORMAT binary)` of a SELECT: the bytes of each row, from its count of
  // fields on, while they arrive. After an error of `row` the rest is read and left.
  using RowSink = std::function<Result<void>(Bytes row)>;
  [[nodiscard]] Result<void> copy_out(const std::string& select, const RowSink& row);
  // False after an error that ended the connection: connect again.
  [[nodiscard]] bool alive() const noexcept;
  // Of the last statement that failed; empty when no server said so.
  [[nodiscard]] const std::string& sqlstate() const noexcept { return sqlstate_; }

 private:
  struct Close {
    void operator()(void* connection) const noexcept;
  };
  explicit Postgres(void* connection, const Patience* patience)
      : connection_(connection), patience_(patience) {}
  // True: `events` (poll(2)) or an end of the connection came before the deadline.
  [[nodiscard]] bool wait(short events, Patience::Clock::time_point deadline);
  // Sends the rest of a statement.
  [[nodiscard]] Result<void> send_rest(Patience::Clock::time_point deadline);
  [[nodiscard]] Result<SqlRows> answer(bool sent);
  [[nodiscard]] Result<void> rows_of_copy(const RowSink& row);
  [[nodiscard]] tl::unexpected<Error> late();
  [[nodiscard]] Error describe(const void* result);

  std::unique_ptr<void, Close> connection_;
  const Patience* patience_;
  std::string sqlstate_;
  bool given_up_ = false;  // an answer is still to come, which nobody waits for
};

}  // namespace dpi
