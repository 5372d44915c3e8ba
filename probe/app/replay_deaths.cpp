#include "probe/app/replay_deaths.h"

#include <fmt/format.h>

#include <algorithm>

#include "probe/app/report.h"
#include "probe/app/worker_deaths.h"

namespace dpi {
namespace {

// Of deaths that no packet explains, as somebody's kill: more are no accident.
constexpr std::size_t unexplained_max = 3;

const char* what_is_left_out(LeftOut::What what) noexcept {
  switch (what) {
    case LeftOut::What::dissection:
      return "it is counted and not dissected";
    case LeftOut::What::packet:
      return "it is left out";
    case LeftOut::What::conclusion:
      return "nDPI has not the last word on the flow that it begins";
  }
  return "";
}

}  // namespace

void ReplayDeaths::died(const WorkerDeath& death) {
  if (!last_) last_ = Last{death.at, death.number, death.item, cause_of(death)};
}

// Less first: nothing of the packet that a flow counts is missing then.
bool ReplayDeaths::add(LeftOut what) {
  if (left_out_.size() == SupervisorBoard::left_out_max ||
      std::find(left_out_.begin(), left_out_.end(), what) != left_out_.end())
    return false;
  left_out_.push_back(what);
  causes_.push_back(last_->cause);
  return true;
}

Result<void> ReplayDeaths::begin_again(std::uint64_t told) {
  told_ = std::max(told_, told);
  if (!last_) return fail(Errc::failure, "the supervisor of the workers has died");
  bool added = false;
  switch (last_->at) {
    case WorkerDeath::At::packet:
      added = add({LeftOut::What::dissection, last_->number}) ||
              add({LeftOut::What::packet, last_->number});
      break;
    case WorkerDeath::At::conclusion:
      added = add({LeftOut::What::conclusion, last_->number});
      break;
    case WorkerDeath::At::nothing:
    case WorkerDeath::At::other:
      added = ++unexplained_ <= unexplained_max;
      break;
  }
  const std::string cause = last_->cause;
  last_.reset();
  named_.assign(left_out_.size(), false);
  if (added) return {};
  return fail(
      Errc::failure,
      fmt::format("a worker died once too often ({}): what was sealed until then is kept", cause));
}

void ReplayDeaths::passed(FactNumber before, FactNumber last, const std::string& capture,
                          std::uint64_t position) {
  for (std::size_t i = 0; i < left_out_.size(); ++i) {
    const FactNumber number = left_out_[i].number;
    if (named_[i] || number <= before || number > last) continue;
    named_[i] = true;
    say(fmt::format("{}: packet {} ended a worker ({}): {}", capture, position, causes_[i],
                    what_is_left_out(left_out_[i].what)));
  }
}

}  // namespace dpi
