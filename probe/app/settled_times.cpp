#include "probe/app/settled_times.h"

#include <algorithm>

namespace dpi {
namespace {

// Less is what interfaces and queues do to the order of packets; the front sees to that.
constexpr Nanoseconds far = std::chrono::seconds{60};
constexpr std::size_t witnesses_max = TimeSettler::witnesses_max;
// The first and the last packets have neighbours on one side only: a silence of so long is none.
constexpr Nanoseconds aeon = std::chrono::hours{24 * 365};
constexpr std::size_t agreeing_min = 2;

// Of the packets that follow at once: how many there are, how many of them come before `limit`, and
// how many an aeon behind the packet in question.
struct Witnesses {
  std::size_t count = 0;
  std::size_t earlier = 0;
  std::optional<Timestamp> first_earlier;
  std::size_t aeon_later = 0;
  std::optional<Timestamp> first_later;

  [[nodiscard]] bool most_are_earlier() const noexcept { return earlier * 2 > count; }
  [[nodiscard]] bool most_are_an_aeon_later() const noexcept {
    return count >= agreeing_min && aeon_later * 2 > count;
  }
};

// Stamps of the epoch or of the year 2262 must not wrap around.
Timestamp before(Timestamp time) noexcept {
  return time < Timestamp::min() + far ? Timestamp::min() : time - far;
}

bool is_an_aeon_later(Timestamp time, Timestamp than) noexcept {
  return than < Timestamp::max() - aeon && time > than + aeon;
}

Witnesses ask(std::span<const RawPacket> packets, std::span<const RawPacket> behind,
              Timestamp stamp, Timestamp limit) noexcept {
  Witnesses out;
  for (const std::span<const RawPacket> part : {packets, behind}) {
    for (const RawPacket& packet : part.first(std::min(part.size(), witnesses_max - out.count))) {
      ++out.count;
      if (is_an_aeon_later(packet.time, stamp)) {
        ++out.aeon_later;
        if (!out.first_later) out.first_later = packet.time;
      }
      if (packet.time >= limit) continue;
      ++out.earlier;
      if (!out.first_earlier) out.first_earlier = packet.time;
    }
  }
  return out;
}

}  // namespace

// The capture ends here: of the packets that are left so many are on this one's side, the others on
// the side of those before.
bool TimeSettler::outvoted(std::size_t left, std::size_t on_its_side) const noexcept {
  return left < witnesses_max &&
         std::min(agreeing_, witnesses_max) + (left - on_its_side) > on_its_side + 1;
}

SettledTime TimeSettler::judge(Timestamp stamp, std::span<const RawPacket> packets,
                               std::span<const RawPacket> behind) {
  if (!newest_ || *newest_ < before(stamp)) {
    const Witnesses witnesses = ask(packets, behind, stamp, before(stamp));
    if (witnesses.most_are_earlier())
      return {newest_ ? *newest_ : *witnesses.first_earlier, Nanoseconds{0}, true};
    if (!newest_ && witnesses.most_are_an_aeon_later())
      return {*witnesses.first_later, Nanoseconds{0}, true};
    if (newest_ && is_an_aeon_later(stamp, *newest_) &&
        outvoted(witnesses.count, witnesses.count - witnesses.earlier))
      return {*newest_, Nanoseconds{0}, true};
    ++agreeing_;
    newest_ = stamp;
    return {stamp, Nanoseconds{0}, false};
  }
  if (stamp >= before(*newest_)) {
    ++agreeing_;
    newest_ = std::max(*newest_, stamp);
    return {stamp, Nanoseconds{0}, false};
  }
  const Witnesses witnesses = ask(packets, behind, stamp, before(*newest_));
  if (!witnesses.most_are_earlier() ||
      (is_an_aeon_later(*newest_, stamp) && outvoted(witnesses.count, witnesses.earlier)))
    return {*newest_, Nanoseconds{0}, true};
  const Nanoseconds step = stamp - *newest_;
  newest_ = stamp;
  return {stamp, step, false};
}

void TimeSettler::settle(std::span<const RawPacket> packets, std::span<const RawPacket> behind,
                         std::vector<SettledTime>& out) {
  out.clear();
  for (std::size_t i = 0; i < packets.size(); ++i)
    out.push_back(judge(packets[i].time, packets.subspan(i + 1), behind));
}

}  // namespace dpi
