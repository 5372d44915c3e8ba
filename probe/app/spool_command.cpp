#include "probe/app/spool_command.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "probe/app/report.h"
#include "probe/spool/salvage.h"
#include "probe/spool/spool_folder.h"
#include "probe/spool/spool_reader.h"
#include "probe/store/gap_filler.h"
#include "probe/store/shipper.h"

namespace dpi {
namespace {

Result<SpoolReader> open_spool(const std::string& folder) {
  std::error_code none;
  if (!std::filesystem::is_directory(folder, none))
    return fail(Errc::input, fmt::format("{}: no such folder; give that of a spool", folder));
  return SpoolReader::open(folder);
}

void print_range(const SoundRange& range) {
  fmt::print("sound: events {} to {} in {} batches\n", range.first_seq, range.next_seq - 1,
             range.batches);
}

int print_found(const SpoolReader& reader, std::uint64_t next_seq) {
  for (const SpoolDamage& damage : reader.damage()) fmt::print("damage: {}\n", damage.what);
  fmt::print("next sequence {}\n", next_seq);
  return reader.damage().empty() ? exit_done : exit_verification;
}

// Everything that the spool has and the database has not.
Result<void> ship(Shipper& shipper) {
  for (;;) {
    const auto more = shipper.ship(SpoolReader::any_commit);
    if (!more) return tl::unexpected(more.error());
    if (!*more) return {};
  }
}

}  // namespace

int run_spool_check(const std::string& folder) {
  auto reader = open_spool(folder);
  if (!reader) return report(reader.error());
  const auto ranges = sound_ranges(*reader);
  if (!ranges) return report(ranges.error());
  if (const auto instance = reader->instance())
    fmt::print("{}: instance {}\n", folder, uuid_text(*instance));
  for (const SoundRange& range : *ranges) print_range(range);
  return print_found(*reader, ranges->empty() ? 0 : ranges->back().next_seq);
}

int run_spool_ship(const SpoolShipOptions& options) {
  auto reader = open_spool(options.folder);
  if (!reader) return report(reader.error());
  const auto instance = reader->instance();
  if (!instance)
    return report({Errc::input, options.folder + ": no segment here tells whose events it holds"});
  ShipTarget target;
  target.conninfo = options.conninfo;
  target.instance = *instance;
  target.part = true;
  Shipper shipper(target, std::move(*reader));
  const auto shipped = ship(shipper);
  fmt::print("{} events stored\n", shipper.report().stored);
  for (const SpoolDamage& damage : shipper.damage()) fmt::print("damage: {}\n", damage.what);
  if (!shipped) return report(shipped.error());
  if (!options.fill_gaps) return exit_done;
  const auto filled = fill_gaps(target, options.folder);
  if (!filled) return report(filled.error());
  fmt::print("{} of {} gaps filled, {} events\n", filled->gaps_filled, filled->gaps,
             filled->events);
  return exit_done;
}

int run_spool_salvage(const SpoolSalvageOptions& options) {
  std::vector<SpoolReader> sources;
  for (const std::string& source : options.sources) {
    auto reader = open_spool(source);
    if (!reader) return report(reader.error());
    sources.push_back(std::move(*reader));
  }
  const auto ranges = salvage(sources, options.to);
  if (!ranges) return report(ranges.error());
  for (const SoundRange& range : *ranges) print_range(range);
  fmt::print("written to {}\n", options.to);
  return exit_done;
}

int run_spool_set_aside(const std::string& folder) {
  if (auto reader = open_spool(folder); !reader) return report(reader.error());
  const auto moved = set_aside_spool(folder);
  if (!moved) return report(moved.error());
  fmt::print("{}\n", moved->string());
  return exit_done;
}

}  // namespace dpi
