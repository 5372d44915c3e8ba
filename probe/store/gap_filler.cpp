#include "probe/store/gap_filler.h"

#include "probe/spool/spool_reader.h"

namespace dpi {
namespace {

struct OwnedEvents {
  std::vector<ByteBuffer> envelopes;
  std::vector<ByteBuffer> payloads;
};

std::vector<Bytes> views(const std::vector<ByteBuffer>& buffers) {
  return {buffers.begin(), buffers.end()};
}

// All events of the gap, or none.
Result<OwnedEvents> events_of(SpoolReader& reader, const ChainGap& gap) {
  OwnedEvents out;
  std::uint64_t seq = gap.first_missing;
  if (auto sought = reader.seek(seq); !sought) return tl::unexpected(sought.error());
  while (seq <= gap.last_missing) {
    const auto batch = reader.next();
    if (!batch) return tl::unexpected(batch.error());
    if (!*batch || (*batch)->first_seq > seq) return OwnedEvents{};
    for (const SpoolRecord& record : (*batch)->records) {
      if (record.seq != seq || seq > gap.last_missing) continue;
      out.envelopes.emplace_back(record.envelope.begin(), record.envelope.end());
      out.payloads.emplace_back(record.payload.begin(), record.payload.end());
      ++seq;
    }
  }
  return out;
}

}  // namespace

Result<GapsFilled> fill_gaps(const ShipTarget& target, const std::filesystem::path& spool) {
  auto reader = SpoolReader::open(spool);
  if (!reader) return tl::unexpected(reader.error());
  auto connection = Postgres::connect(target.conninfo);
  if (!connection) return tl::unexpected(connection.error());
  EventDatabase database(std::move(*connection));
  const auto gaps = database.gaps(target.instance);
  if (!gaps) return tl::unexpected(gaps.error());
  GapsFilled out{.gaps = gaps->size()};
  for (const ChainGap& gap : *gaps) {
    const auto events = events_of(*reader, gap);
    if (!events) return tl::unexpected(events.error());
    if (events->envelopes.empty()) continue;
    auto filled = database.fill_gap(target.instance, gap.first_missing, views(events->envelopes),
                                    views(events->payloads));
    if (!filled) return tl::unexpected(filled.error());
    ++out.gaps_filled;
    out.events += events->envelopes.size();
  }
  return out;
}

}  // namespace dpi
