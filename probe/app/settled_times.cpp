#include "probe/app/settled_times.h"

#include <algorithm>

namespace dpi {
namespace {

// Less is what interfaces and queues do to the order of packets; the front sees to that.
constexpr Nanoseconds far = std::chrono::seconds{60};
constexpr std::size_t witnesses_max = 8;

// Of the packets that follow at once: how many there are, and how many of them come before `limit`.
struct Witnesses {
  std::size_t count = 0;
  std::size_t earlier = 0;
  std::optional<Timestamp> first_earlier;

  [[nodiscard]] bool most_are_earlier() const noexcept { return earlier * 2 > count; }
};

Witnesses ask(std::span<const RawPacket> packets, std::span<const RawPacket> behind,
              Timestamp limit) noexcept {
  Witnesses out;
  for (const std::span<const RawPacket> part : {packets, behind}) {
    for (const RawPacket& packet : part.first(std::min(part.size(), witnesses_max - out.count))) {
      ++out.count;
      if (packet.time >= limit) continue;
      ++out.earlier;
      if (!out.first_earlier) out.first_earlier = packet.time;
    }
  }
  return out;
}

// Stamps of the epoch or of the year 2262 must not wrap around.
Timestamp before(Timestamp time) noexcept {
  return time < Timestamp::min() + far ? Timestamp::min() : time - far;
}

}  // namespace

SettledTime TimeSettler::judge(Timestamp stamp, std::span<const RawPacket> packets,
                               std::span<const RawPacket> behind) {
  if (!newest_ || *newest_ < before(stamp)) {
    const Witnesses witnesses = ask(packets, behind, before(stamp));
    if (witnesses.most_are_earlier())
      return {newest_ ? *newest_ : *witnesses.first_earlier, Nanoseconds{0}, true};
    newest_ = stamp;
    return {stamp, Nanoseconds{0}, false};
  }
  if (stamp >= before(*newest_)) {
    newest_ = std::max(*newest_, stamp);
    return {stamp, Nanoseconds{0}, false};
  }
  if (!ask(packets, behind, before(*newest_)).most_are_earlier())
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
