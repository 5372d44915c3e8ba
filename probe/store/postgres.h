// A database connection: libpq with errors as values. The only file that knows libpq is
// postgres.cpp. Owned by one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "probe/base/bytes.h"
#include "probe/base/hex.h"
#include "probe/base/result.h"

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
  // Errc::sink with the server's reason and what to do. Waits at most ten seconds.
  [[nodiscard]] static Result<Postgres> connect(const std::string& conninfo);

  // Several statements without arguments.
  [[nodiscard]] Result<void> run(const std::string& sql);
  [[nodiscard]] Result<SqlRows> query(const std::string& sql,
                                      std::span<const SqlValue> arguments = {});
  // False after an error that ended the connection: connect again.
  [[nodiscard]] bool alive() const noexcept;

 private:
  struct Close {
    void operator()(void* connection) const noexcept;
  };
  explicit Postgres(void* connection) : connection_(connection) {}
  [[nodiscard]] Error describe(const void* result) const;

  std::unique_ptr<void, Close> connection_;
};

}  // namespace dpi
