// Rows in PostgreSQL's binary form of COPY: a count of fields, then each field's length (-1: NULL)
// and bytes. What is expected is written in the same form, so that equal rows are equal bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "probe/audit/bundle_catalogue.h"
#include "probe/base/bytes.h"
#include "probe/base/hex.h"

namespace dpi {

// Microseconds since 2000-01-01, as timestamptz has them.
using SqlTime = std::int64_t;
inline constexpr std::int64_t sql_epoch_s = 946'684'800;

class RowWriter {
 public:
  explicit RowWriter(ByteBuffer& out) : out_(out) {}
  void begin(std::size_t fields);
  void null();
  void int2(std::int64_t value) { integer(value, 2); }
  void int4(std::int64_t value) { integer(value, 4); }
  void int8(std::int64_t value) { integer(value, 8); }
  void boolean(bool value) { integer(value ? 1 : 0, 1); }
  void bytes(Bytes value);
  void text(std::string_view value) { bytes(as_bytes(value)); }
  void time(SqlTime value) { int8(value); }
  // A host address, 4 or 16 bytes.
  void inet(Bytes address);

 private:
  void integer(std::int64_t value, int size);

  ByteBuffer& out_;
};

// Nothing for NULL.
using WireField = std::optional<Bytes>;

// The fields of a row; false when it is none.
[[nodiscard]] bool split_row(Bytes row, std::vector<WireField>& fields);
// Big-endian; nothing when it is NULL or of another size.
[[nodiscard]] std::optional<std::int64_t> wire_integer(const WireField& field);
[[nodiscard]] std::optional<Uuid> wire_uuid(const WireField& field);

// For people: short, quoted, and nothing in it that a terminal would act on.
[[nodiscard]] std::string field_text(const WireField& field, ColumnType type);
[[nodiscard]] std::string harmless(Bytes text, std::size_t limit = 120);
[[nodiscard]] inline std::string harmless(std::string_view text, std::size_t limit = 120) {
  return harmless(as_bytes(text), limit);
}
[[nodiscard]] std::string sql_time_text(SqlTime time);

}  // namespace dpi
