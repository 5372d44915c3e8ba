#include "probe/pipeline/worker_channel.h"

#include <bit>

namespace dpi {

Result<WorkerChannel> WorkerChannel::make(std::uint32_t fronts, std::size_t work_batches,
                                          std::size_t fact_batches) {
  WorkerChannel out;
  for (std::uint32_t f = 0; f < fronts; ++f) {
    auto work = SlotRing<WorkBatch>::make(std::bit_ceil(work_batches));
    if (!work) return tl::unexpected(work.error());
    out.work.push_back(std::move(*work));
  }
  auto facts = SlotRing<FactBatch>::make(std::bit_ceil(fact_batches));
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
