#include "probe/spool/salvage.h"

#include <algorithm>
#include <optional>

#include "probe/spool/spool_writer.h"

namespace dpi {
namespace {

void add(std::vector<SoundRange>& ranges, std::uint64_t first_seq, std::uint64_t next_seq) {
  if (ranges.empty() || ranges.back().next_seq != first_seq)
    ranges.push_back({first_seq, first_seq, 0});
  ranges.back().next_seq = next_seq;
  ++ranges.back().batches;
}

// A spool and the batch in it that comes next.
struct Source {
  SpoolReader* reader;
  std::optional<SpoolBatch> batch;

  // To the first batch that reaches beyond seq.
  Result<void> reach_beyond(std::uint64_t seq) {
    while (!batch || batch->next_seq <= seq) {
      auto next = reader->next();
      if (!next) return tl::unexpected(next.error());
      batch = std::move(*next);
      if (!batch) return {};
    }
    return {};
  }
};

// The one that goes on at seq, a whole batch rather than a cut one; else the one that begins
// soonest.
const Source* choose(const std::vector<Source>& sources, std::uint64_t seq) {
  const auto rank = [&](const Source& source) {
    const std::uint64_t hole = std::max(source.batch->first_seq, seq) - seq;
    return std::pair{hole, !source.batch->whole};
  };
  const Source* best = nullptr;
  for (const Source& source : sources) {
    if (source.batch && (best == nullptr || rank(source) < rank(*best))) best = &source;
  }
  return best;
}

Result<Uuid> instance_of(std::span<SpoolReader> sources) {
  std::optional<Uuid> instance;
  for (const SpoolReader& source : sources) {
    if (!instance) instance = source.instance();
    if (instance && source.instance() && *source.instance() != *instance)
      return fail(Errc::usage, "these spools are of different instances; salvage one at a time");
  }
  if (!instance) return fail(Errc::input, "no segment here tells whose events it holds");
  return *instance;
}

}  // namespace

Result<std::vector<SoundRange>> sound_ranges(SpoolReader& reader) {
  std::vector<SoundRange> ranges;
  for (;;) {
    const auto batch = reader.next();
    if (!batch) return tl::unexpected(batch.error());
    if (!*batch) return ranges;
    if (!(*batch)->records.empty()) add(ranges, (*batch)->first_seq, (*batch)->next_seq);
  }
}

Result<std::vector<SoundRange>> salvage(std::span<SpoolReader> readers,
                                        const std::filesystem::path& to) {
  const auto instance = instance_of(readers);
  if (!instance) return tl::unexpected(instance.error());
  auto writer = SpoolWriter::open(to, *instance);
  if (!writer) return tl::unexpected(writer.error());
  if ((*writer)->used_bytes() > 0)
    return fail(Errc::usage, to.string() + ": there is a spool already; name an empty folder");
  std::vector<Source> sources;
  for (SpoolReader& reader : readers) sources.push_back({&reader, std::nullopt});
  std::vector<SoundRange> ranges;
  for (std::uint64_t seq = 0;;) {
    for (Source& source : sources) {
      if (auto reached = source.reach_beyond(seq); !reached) return tl::unexpected(reached.error());
    }
    const Source* const best = choose(sources, seq);
    if (best == nullptr) return ranges;
    const SpoolBatch& batch = *best->batch;
    const std::uint64_t first = std::max(batch.first_seq, seq);
    (*writer)->leap(first);
    for (std::uint64_t i = first - batch.first_seq; i < batch.records.size(); ++i)
      (*writer)->append(batch.records[i].seq, batch.records[i].envelope, batch.records[i].payload);
    if (auto committed = (*writer)->commit(batch.state); !committed)
      return tl::unexpected(committed.error());
    add(ranges, first, batch.next_seq);
    seq = batch.next_seq;
  }
}

}  // namespace dpi
