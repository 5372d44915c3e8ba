#include "probe/audit/wire_row.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "probe/base/check.h"
#include "probe/base/ip_address.h"

namespace dpi {
namespace {

// inet_send: family (as the server counts them), prefix length, is-cidr, length, address.
constexpr std::uint8_t family_v4 = 2, family_v6 = 3;
constexpr std::size_t inet_header_bytes = 4;

void put(ByteBuffer& out, std::uint64_t value, int size) {
  for (int shift = (size - 1) * 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(value >> static_cast<unsigned>(shift)));
}

std::uint64_t big_endian(Bytes bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8U | byte;
  return value;
}

std::string inet_text(Bytes bytes) {
  if (bytes.size() < inet_header_bytes) return hex(bytes);
  const Bytes address = bytes.subspan(inet_header_bytes);
  if (address.size() != 4 && address.size() != 16) return hex(bytes);
  std::string out = ip_text(IpAddress::from_wire(address));
  if (bytes[1] != address.size() * 8) out += fmt::format("/{}", bytes[1]);
  return out;
}

}  // namespace

void RowWriter::begin(std::size_t fields) {
  put(out_, fields, 2);
}

void RowWriter::null() {
  put(out_, 0xffffffffU, 4);
}

void RowWriter::integer(std::int64_t value, int size) {
  put(out_, static_cast<std::uint64_t>(size), 4);
  put(out_, static_cast<std::uint64_t>(value), size);
}

void RowWriter::bytes(Bytes value) {
  put(out_, value.size(), 4);
  out_.insert(out_.end(), value.begin(), value.end());
}

void RowWriter::inet(Bytes address) {
  DPI_CHECK(address.size() == 4 || address.size() == 16);
  put(out_, inet_header_bytes + address.size(), 4);
  put(out_, address.size() == 4 ? family_v4 : family_v6, 1);
  put(out_, address.size() * 8, 1);
  put(out_, 0, 1);
  put(out_, address.size(), 1);
  out_.insert(out_.end(), address.begin(), address.end());
}

bool split_row(Bytes row, std::vector<WireField>& fields) {
  fields.clear();
  if (row.size() < 2) return false;
  const std::uint64_t count = big_endian(row.first(2));
  row = row.subspan(2);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (row.size() < 4) return false;
    const auto length = static_cast<std::uint32_t>(big_endian(row.first(4)));
    row = row.subspan(4);
    if (length == 0xffffffffU) {
      fields.emplace_back();
      continue;
    }
    if (length > row.size()) return false;
    fields.emplace_back(row.first(length));
    row = row.subspan(length);
  }
  return row.empty();
}

std::optional<std::int64_t> wire_integer(const WireField& field) {
  if (!field) return std::nullopt;
  const std::uint64_t value = big_endian(*field);
  switch (field->size()) {
    case 1:
      return static_cast<std::int64_t>(value);
    case 2:
      return static_cast<std::int16_t>(value);
    case 4:
      return static_cast<std::int32_t>(value);
    case 8:
      return static_cast<std::int64_t>(value);
    default:
      return std::nullopt;
  }
}

std::optional<Uuid> wire_uuid(const WireField& field) {
  Uuid out{};
  if (!field || field->size() != out.size()) return std::nullopt;
  std::copy(field->begin(), field->end(), out.begin());
  return out;
}

std::string harmless(Bytes text, std::size_t limit) {
  std::string out;
  for (const std::uint8_t byte : text) {
    if (out.size() >= limit) return out + "…";
    if (byte >= 0x20 && byte < 0x7f && byte != '\\') {
      out.push_back(static_cast<char>(byte));
    } else {
      out += fmt::format("\\x{:02x}", byte);
    }
  }
  return out;
}

std::string sql_time_text(SqlTime time) {
  if (time == std::numeric_limits<SqlTime>::max()) return "infinity";
  if (time == std::numeric_limits<SqlTime>::min()) return "-infinity";
  using std::chrono::microseconds;
  const std::chrono::sys_time<microseconds> at{microseconds{time} +
                                               std::chrono::seconds{sql_epoch_s}};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{at - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

std::string field_text(const WireField& field, ColumnType type) {
  if (!field) return "NULL";
  switch (type) {
    case ColumnType::int2:
    case ColumnType::int4:
    case ColumnType::int8:
      if (const auto value = wire_integer(field)) return fmt::format("{}", *value);
      break;
    case ColumnType::boolean:
      if (field->size() == 1) return field->front() != 0 ? "true" : "false";
      break;
    case ColumnType::uuid:
      if (const auto value = wire_uuid(field)) return uuid_text(*value);
      break;
    case ColumnType::timestamptz:
      if (const auto value = wire_integer(field)) return sql_time_text(*value);
      break;
    case ColumnType::inet:
      return inet_text(*field);
    case ColumnType::text:
      return fmt::format("'{}'", harmless(*field));
    default:
      break;
  }
  const Bytes shown = field->first(std::min<std::size_t>(field->size(), 32));
  return fmt::format("\\x{}{}", hex(shown), shown.size() < field->size() ? "…" : "");
}

}  // namespace dpi
