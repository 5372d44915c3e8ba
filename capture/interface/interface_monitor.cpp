#include "capture/interface/interface_monitor.h"

#include <algorithm>
#include <utility>

namespace dpi {
namespace {

constexpr std::chrono::seconds attempt_interval{1};
constexpr std::chrono::milliseconds counters_age_max{200};

std::uint64_t growth(std::uint64_t now, std::uint64_t before) noexcept {
  return now > before ? now - before : 0;
}

}  // namespace

Result<InterfaceMonitor> InterfaceMonitor::open(std::string name,
                                                std::chrono::milliseconds block_timeout) {
  auto watcher = LinkWatcher::open();
  if (!watcher) return tl::unexpected(watcher.error());
  return InterfaceMonitor{std::move(name), block_timeout, std::move(*watcher)};
}

void InterfaceMonitor::follow(LinkState link) {
  last_ = link.counters;
  link_ = std::move(link);
  gone_ = false;
  refusal_.clear();
  // What happened between reading the state and following it.
  if (const auto now = read_link(link_.index)) observe(*now);
}

void InterfaceMonitor::report(std::string what) {
  ++transitions_;
  news_.push_back(link_.name + ": " + std::move(what));
}

void InterfaceMonitor::removed() {
  if (gone_) return;
  report("the interface was removed; it is captured again when it comes back");
  gone_ = true;
  link_.up = false;
  link_.carrier = false;
  gone_since_ = Steady::now();
  next_attempt_ = gone_since_;
}

void InterfaceMonitor::observe(const LinkState& state) {
  if (state.index != link_.index || gone_) {
    if (gone_ && is_ours(state.name)) next_attempt_ = Steady::now();
    return;
  }
  if (state.removed) {
    removed();
    return;
  }
  if (state.name != link_.name) {
    report("the interface is now called " + state.name + "; capture goes on");
    link_.name = state.name;
  }
  if (state.mtu_bytes > 0) link_.mtu_bytes = state.mtu_bytes;
  if (state.up == link_.up && state.carrier == link_.carrier) return;
  const bool came_up = state.carrier;
  const bool went_down = !state.carrier && link_.carrier;
  const bool set_down = !state.up && link_.up;
  link_.up = state.up;
  link_.carrier = state.carrier;
  if (came_up) {
    report("the link is up; capture goes on");
  } else if (set_down) {
    report("the interface was set down; capture goes on when it is up (`ip link set " + link_.name +
           " up`)");
  } else if (went_down) {
    report("the link is down (no carrier); capture goes on when it is up");
  }
}

void InterfaceMonitor::update() {
  const LinkChanges changes = watcher_.changes();
  const bool listed =
      std::any_of(changes.links.begin(), changes.links.end(),
                  [this](const LinkState& state) { return state.index == link_.index; });
  for (const LinkState& state : changes.links) observe(state);
  if (changes.complete && !listed) removed();
}

std::vector<std::string> InterfaceMonitor::take_news() {
  return std::exchange(news_, {});
}

std::optional<LinkState> InterfaceMonitor::returned() {
  if (!gone_ || Steady::now() < next_attempt_) return std::nullopt;
  next_attempt_ = Steady::now() + attempt_interval;
  auto links = list_links();
  if (!links) return std::nullopt;
  for (LinkState& state : *links)
    if (is_ours(state.name) && state.up && state.index != link_.index) return std::move(state);
  return std::nullopt;
}

void InterfaceMonitor::refused(const std::string& why) {
  if (why == refusal_) return;
  refusal_ = why;
  news_.push_back("it is back but cannot be captured again: " + why);
}

bool InterfaceMonitor::old_ring_done() const {
  // The kernel hands over a block that is not full after one timeout; its timer may be late.
  return !gone_ || Steady::now() >= gone_since_ + 3 * block_timeout_;
}

std::chrono::milliseconds InterfaceMonitor::wait_max() const {
  if (!gone_) return std::chrono::hours{1};
  return old_ring_done() ? std::chrono::milliseconds{attempt_interval} : block_timeout_;
}

LinkCounters InterfaceMonitor::counters() const {
  const auto now = Steady::now();
  if (gone_ || now < counted_at_ + counters_age_max) return total_;
  counted_at_ = now;
  const auto state = read_link(link_.index);
  if (!state || !state->has_counters) return total_;
  total_.rx_packets += growth(state->counters.rx_packets, last_.rx_packets);
  total_.rx_dropped += growth(state->counters.rx_dropped, last_.rx_dropped);
  total_.rx_missed += growth(state->counters.rx_missed, last_.rx_missed);
  last_ = state->counters;
  return total_;
}

}  // namespace dpi
