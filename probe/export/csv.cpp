#include "probe/export/csv.h"

#include <array>
#include <charconv>
#include <cstdint>

#include "probe/base/pct_text.h"

namespace dpi {
namespace {

constexpr std::string_view line_end = "\r\n";
constexpr std::string_view fixed_columns = "observed_at,instance,seq,event_sha256,event_id";

bool begins_formula(char c) {
  return c == '=' || c == '+' || c == '-' || c == '@';
}

// Where a spreadsheet may see a cell's beginning: also behind a semicolon, which separates cells in
// some countries, and inside the quotation marks of a list.
bool opens_cell(char before) {
  return before == ',' || before == ';' || before == '"';
}

std::string without_formulas(std::string_view text) {
  std::string out;
  char before = ',';
  for (const char c : text) {
    if (begins_formula(c) && opens_cell(before)) {
      std::array<char, 3> escape{};
      out.append(escape.data(), write_pct_escape(escape.data(), static_cast<std::uint8_t>(c)));
    } else {
      out += c;
    }
    before = c;
  }
  return out;
}

}  // namespace

void append_csv_cell(std::string& out, MemberKind kind, std::string_view text) {
  const bool untrusted = kind == MemberKind::pct || kind == MemberKind::json;
  const std::string safe = untrusted ? without_formulas(text) : std::string{text};
  if (safe.find_first_of(",\";") == std::string::npos) {
    out += safe;
    return;
  }
  out += '"';
  for (const char c : safe) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

std::string csv_header(const RowMapping& row) {
  std::string out{fixed_columns};
  std::string_view before;
  for (const Mapping& mapping : row.members) {
    if (mapping.member != before) (out += ',') += mapping.member;
    before = mapping.member;
  }
  return out += line_end;
}

void append_csv_row(std::string& out, const RowMapping& row, const ExportedEvent& event) {
  std::array<char, 20> seq{};
  const auto end = std::to_chars(seq.data(), seq.data() + seq.size(), event.seq()).ptr;
  ((out += event.said("observed_at")) += ',') += event.said("component_instance_id");
  (out += ',').append(seq.data(), end);
  (((out += ',') += event.sha256()) += ',') += event.said("event_id");
  std::string_view before;
  for (const Mapping& mapping : row.members) {
    if (mapping.member == before) continue;
    before = mapping.member;
    out += ',';
    const JsonNode* const node = event.member(mapping.member);
    if (node != nullptr) append_csv_cell(out, mapping.kind, node->text);
  }
  out += line_end;
}

}  // namespace dpi
