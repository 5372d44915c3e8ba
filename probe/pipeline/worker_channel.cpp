#include "probe/pipeline/worker_channel.h"

#include <bit>

namespace dpi {

Result<WorkerChannel> WorkerChannel::make(std::uint32_t fronts, std::size_t work_batches,
                                          std::size_t fact_batches) {
  WorkerChannel out;
  for (std::uint32_t f = 0; f < fronts; ++f) {
    // A front that has to wait is woken once for several batches.
    const std::size_t batches = std::bit_ceil(work_batches);
    auto work = SlotRing<WorkBatch>::make(batches, batches / 2);
    if (!work) return tl::unexpected(work.error());
    out.work.push_back(std::move(*work));
  }
  const std::size_t batches = std::bit_ceil(fact_batches);
  auto facts = SlotRing<FactBatch>::make(batches, batches - 1);
  if (!facts) return tl::unexpected(facts.error());
  out.facts = std::move(*facts);
  auto places = SharedArray<FrontPlace>::make(fronts);
  if (!places) return tl::unexpected(places.error());
  out.places = std::move(*places);
  auto board = SharedArray<WorkerBoard>::make(1);
  if (!board) return tl::unexpected(board.error());
  out.board = std::move(*board);
  return out;
}

void WorkerChannel::reset() noexcept {
  for (SlotRing<WorkBatch>& ring : work) ring.reset();
  facts.reset();
  for (std::size_t f = 0; f < places.size(); ++f) new (&places[f]) FrontPlace;
  new (&board[0]) WorkerBoard;
}

}  // namespace dpi
