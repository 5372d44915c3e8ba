#include "probe/app/run_rows.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "probe/envelope/exchange_line.h"
#include "probe/spool/spool_reader.h"

namespace dpi {
namespace {

// Of an envelope in canonical JSON: its members are sorted and texts hold no quotation mark.
std::string_view event_type_of(std::string_view envelope) {
  constexpr std::string_view member = "\"event_type\":\"";
  const std::size_t at = envelope.find(member);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = envelope.substr(at + member.size());
  return rest.substr(0, rest.find('"'));
}

Result<void> read_lines(std::istream& in, const std::string& name, const RowObserver& observe) {
  std::string line;
  for (std::uint64_t number = 1; std::getline(in, line); ++number) {
    if (is_checkpoint_line(line)) continue;
    const auto event = parse_event_line(line);
    if (!event) {
      return fail(Errc::input,
                  fmt::format("{}:{}: not an event; give JSON lines as `replay --out jsonl:FILE` "
                              "writes them, or a spool folder",
                              name, number));
    }
    observe(event_type_of(event->envelope), event->payload);
  }
  return {};
}

Result<void> read_spool(const std::string& folder, const RowObserver& observe) {
  auto reader = SpoolReader::open(folder);
  if (!reader) return tl::unexpected(reader.error());
  if (!reader->instance()) return fail(Errc::input, folder + ": holds no spool");
  for (;;) {
    const auto batch = reader->next();
    if (!batch) return tl::unexpected(batch.error());
    if (!*batch) return {};
    for (const SpoolRecord& record : (*batch)->records)
      observe(event_type_of(as_text(record.envelope)), as_text(record.payload));
  }
}

}  // namespace

Result<void> read_rows(const std::string& source, const RowObserver& observe) {
  if (source == "-") return read_lines(std::cin, "standard input", observe);
  std::error_code ignored;
  if (std::filesystem::is_directory(source, ignored)) return read_spool(source, observe);
  std::ifstream file(source, std::ios::binary);
  if (!file) {
    return fail(Errc::input, fmt::format("{}: {}; give a JSON lines file, - or a spool folder",
                                         source, std::strerror(errno)));
  }
  return read_lines(file, source, observe);
}

}  // namespace dpi
