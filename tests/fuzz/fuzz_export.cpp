// Whatever a canonical payload holds, the outputs are whole lines: JSON that another parser reads
// as UTF-8, without a control character, and CSV with as many cells as its header.
#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "probe/base/bytes.h"
#include "probe/base/check.h"
#include "probe/export/csv.h"
#include "probe/export/ecs.h"
#include "probe/export/eve.h"

namespace {

constexpr std::array<std::string_view, 5> types{"dpi.flow", "dpi.dns", "dpi.scan",
                                                "health.heartbeat", "chain.start"};

std::string envelope(std::string_view type) {
  return R"({"component_instance_id":"64e688a9-52d5-85ac-a541-15bd57dcc4fa","event_id":"e","event_type":")" +
         std::string{type} +
         R"(","identity":{"hostname":"h%FF"},"observed_at":"2023-11-14T22:13:20.004000005Z"})";
}

void check_lines(std::string_view lines) {
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    DPI_CHECK(end != std::string_view::npos);
    const std::string_view line = lines.substr(0, end);
    for (const char c : line) DPI_CHECK(static_cast<std::uint8_t>(c) >= 0x20 && c != 0x7F);
    DPI_CHECK(!nlohmann::json::parse(line, nullptr, false).is_discarded());
    lines.remove_prefix(end + 1);
  }
}

// Cells of one record of RFC 4180, which is all of `text`.
std::size_t cells(std::string_view text) {
  DPI_CHECK(text.ends_with("\r\n"));
  text.remove_suffix(2);
  std::size_t count = 1;
  bool quoted = false;
  for (const char c : text) {
    DPI_CHECK(c != '\r' && c != '\n');
    if (c == '"') quoted = !quoted;
    if (c == ',' && !quoted) ++count;
  }
  DPI_CHECK(!quoted);
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view type = types[data[0] % types.size()];
  const std::string text = envelope(type);
  dpi::ExportedEvent event;
  if (!event.read(1, text, dpi::as_text({data + 1, size - 1}))) return 0;
  std::string out;
  dpi::EveFormat().append(out, event);
  dpi::EcsFormat().append(out, event);
  check_lines(out);
  if (const dpi::RowMapping* const row = dpi::row_mapping(type); row != nullptr) {
    out.clear();
    dpi::append_csv_row(out, *row, event);
    DPI_CHECK(cells(out) == cells(dpi::csv_header(*row)));
  }
  return 0;
}
