#include "probe/store/head_comparison.h"

#include <algorithm>

#include "probe/envelope/envelope.h"

namespace dpi {

Result<HeadComparison> compare_head(SpoolReader& reader, const ChainPosition& head) {
  const std::uint64_t last = head.next_seq - std::min<std::uint64_t>(head.next_seq, 1);
  if (auto sought = reader.seek(last); !sought) return tl::unexpected(sought.error());
  if (head.next_seq == 0) return HeadComparison::nothing;
  const auto batch = reader.next();
  if (!batch) return tl::unexpected(batch.error());
  if (!*batch) {
    if (auto newest = reader.seek_newest(); !newest) return tl::unexpected(newest.error());
    return HeadComparison::beyond_spool;
  }
  HeadComparison found = HeadComparison::not_kept;
  if ((*batch)->first_seq <= last) {
    const SpoolRecord& record = (*batch)->records[last - (*batch)->first_seq];
    found = envelope_hash(as_text(record.envelope)) == head.last_hash ? HeadComparison::same
                                                                      : HeadComparison::differs;
  }
  if (auto again = reader.seek(last); !again) return tl::unexpected(again.error());
  return found;
}

}  // namespace dpi
