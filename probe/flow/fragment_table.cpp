#include "probe/flow/fragment_table.h"

#include <algorithm>

#include "dissectors/decode.h"

namespace dpi {
namespace {

constexpr std::uint32_t datagram_bytes_max = 65'535;
constexpr std::size_t pieces_max = 256;

HeldFragment hold(const PacketView& view, Timestamp time, bool copy = false) {
  HeldFragment held{view, time, copy};
  held.view.l3 = held.view.l4 = held.view.payload = held.view.outer.l4 = {};
  held.view.fragment.data = held.view.outer.fragment.data = {};
  return held;
}

}  // namespace

void FragmentTable::drop_bytes(Datagram& datagram) noexcept {
  bytes_ -= datagram.kept();
  datagram.bytes = 0;
  datagram.pieces = {};
}

// What an entry holds: its bytes, its fragments that wait, itself.
std::size_t FragmentTable::cost(const Datagram& datagram) noexcept {
  return sizeof(Datagram) + datagram.kept() + datagram.waiting.size() * sizeof(HeldFragment);
}

// False: it is the turn of `keeps`, which must then do with what it has.
bool FragmentTable::make_room(const Datagram* keeps, FragmentOutcome& out) {
  Datagram* const oldest = holders_.oldest_of_largest();
  if (oldest == nullptr || oldest == keeps) return false;
  if (!oldest->complete && !oldest->gave_up) ++evicted_;
  for (HeldFragment& held : take_held(*oldest)) out.given_up.push_back(std::move(held));
  erase(datagrams_.find(*oldest->key));
  return true;
}

void FragmentTable::erase(std::map<Key, Datagram>::iterator at) {
  forget(at->second);
  holders_.remove(at->second);
  datagrams_.erase(at);
}

void FragmentTable::begin_again(Datagram& datagram, Timestamp time) {
  forget(datagram);
  Datagram again;
  again.held = datagram.held;
  again.key = datagram.key;
  again.began = time;
  datagram = std::move(again);
}

// The datagram goes; whether it ever became whole is told.
void FragmentTable::forget(Datagram& datagram) noexcept {
  drop_bytes(datagram);
  if (!datagram.complete && !datagram.gave_up) ++incomplete_;
}

std::vector<HeldFragment> FragmentTable::take_held(Datagram& datagram) {
  std::vector<HeldFragment> out = std::move(datagram.waiting);
  datagram.waiting.clear();
  held_ -= out.size();
  return out;
}

// The first piece that reaches behind that place.
std::vector<FragmentTable::Piece>::iterator FragmentTable::behind(Datagram& datagram,
                                                                  std::uint32_t from) noexcept {
  return std::partition_point(datagram.pieces.begin(), datagram.pieces.end(),
                              [from](const Piece& piece) { return piece.end() <= from; });
}

// Bytes that came before, unless all of it is one fragment's repetition (RFC 8200 §4.5: networks
// duplicate fragments).
bool FragmentTable::overlaps(Datagram& datagram, std::uint32_t from, Bytes bytes) noexcept {
  const std::uint32_t end = from + static_cast<std::uint32_t>(bytes.size());
  bool found = false;
  for (auto piece = behind(datagram, from); piece != datagram.pieces.end() && piece->from < end;
       ++piece) {
    if (piece->from == from &&
        std::equal(piece->bytes.begin(), piece->bytes.end(), bytes.begin(), bytes.end())) {
      return false;
    }
    found = true;
  }
  return found;
}

// Keeps the bytes that nobody sent before. False: the datagram is beyond a limit.
bool FragmentTable::store(Datagram& datagram, PacketView& view, FragmentOutcome& out) {
  const std::uint32_t from = view.fragment.offset_bytes;
  const auto captured = static_cast<std::uint32_t>(view.fragment.data.size());
  if (from + view.fragment.bytes > datagram_bytes_max) {
    dpi::add(view.anomalies, Anomaly::fragment_oversize);
    return false;
  }
  if (captured < view.fragment.bytes) return false;
  if (!view.fragment.more) datagram.total = from + captured;
  bool room = datagram.pieces.size() < pieces_max;
  while (room && bytes_ + captured + piece_bytes > limits_.bytes_max)
    room = make_room(&datagram, out);
  if (!room) {
    dpi::add(view.anomalies, Anomaly::fragment_memory_full);
    return false;
  }
  if (overlaps(datagram, from, view.fragment.data))
    dpi::add(view.anomalies, Anomaly::fragment_overlap);
  std::uint32_t at = from;
  const std::uint32_t end = from + captured;
  // From gap to gap: what lies in one becomes a piece, what a piece has already is passed over.
  for (auto piece = behind(datagram, from); at < end; ++piece) {
    const std::uint32_t gap_end = piece == datagram.pieces.end() ? end : std::min(end, piece->from);
    if (gap_end <= at) {
      at = piece->end();
      continue;
    }
    const Bytes part = view.fragment.data.subspan(at - from, gap_end - at);
    piece = datagram.pieces.insert(piece, {at, ByteBuffer(part.begin(), part.end())});
    datagram.bytes += part.size();
    bytes_ += part.size() + piece_bytes;
    at = gap_end;
  }
  return true;
}

bool FragmentTable::assemble(Datagram& datagram) {
  if (datagram.total == 0 || !datagram.first || datagram.bytes < datagram.total) return false;
  assembled_.clear();
  for (const Piece& piece : datagram.pieces) {
    if (piece.from != assembled_.size()) return false;
    assembled_.insert(assembled_.end(), piece.bytes.begin(), piece.bytes.end());
  }
  if (assembled_.size() < datagram.total) return false;
  assembled_.resize(datagram.total);
  assembled_view_ = *datagram.first;
  decode_datagram(assembled_view_, assembled_, limits_.decode);
  return true;
}

// What lies behind the transport header: of the first piece what it says itself, of the later ones
// all of it. The whole corrects that when it is there.
void FragmentTable::count_payload(Datagram& datagram, PacketView& view) noexcept {
  if (view.fragment.offset_bytes > 0)
    view.payload_bytes = datagram.has_transport ? view.fragment.bytes : 0;
  datagram.payload_bytes += view.payload_bytes;
}

FragmentOutcome FragmentTable::add(PacketView& view, Timestamp time, bool copy) {
  FragmentOutcome out;
  const Key key{
      view.src,         view.dst,
      view.fragment.id, view.fragment.protocol,
      vlan_key(view),   static_cast<std::uint64_t>(view.tunnel.type) << 32U | view.tunnel.id};
  auto found = datagrams_.find(key);
  if (found == datagrams_.end()) {
    while (datagrams_.size() >= limits_.datagrams_max) make_room(nullptr, out);
    found = datagrams_.emplace(key, Datagram{}).first;
    found->second.began = time;
    found->second.key = &found->first;
    holders_.add(view.src, found->second, cost(found->second));
  }
  Datagram& datagram = found->second;
  // The sender has come round to this identification again: its last datagram is complete, or
  // another one begins before that.
  const bool first = view.fragment.offset_bytes == 0;
  if (first && !copy && datagram.ports &&
      (datagram.complete || *datagram.ports != flow_ports(view)))
    begin_again(datagram, time);
  if (first && !datagram.ports) {
    datagram.ports = flow_ports(view);
    datagram.has_transport = view.has_transport;
    datagram.first = hold(view, time).view;
    out.released = take_held(datagram);
    for (HeldFragment& held : out.released) {
      held.view.protocol = view.protocol;
      count_payload(datagram, held.view);
    }
  }
  datagram.news = datagram.news || !copy;
  if (!datagram.complete && !datagram.gave_up && !store(datagram, view, out)) {
    datagram.gave_up = true;
    drop_bytes(datagram);
  }
  while (!datagram.ports && held_ >= limits_.held_max && make_room(&datagram, out)) {
  }
  if (!datagram.ports && held_ < limits_.held_max) {
    datagram.waiting.push_back(hold(view, time, copy));
    ++held_;
    holders_.resize(datagram, cost(datagram));
    return out;
  }
  holders_.resize(datagram, cost(datagram));
  if (!datagram.ports) {  // no room to wait for the first one
    dpi::add(view.anomalies, Anomaly::fragment_memory_full);
    out.ports = PortPair{};
    return out;
  }
  out.ports = datagram.ports;
  out.waiting = !datagram.gave_up;
  view.protocol =
      datagram.first->protocol;  // a later piece says AH where the first one looks behind
  if (datagram.complete || datagram.gave_up || !assemble(datagram)) {
    count_payload(datagram, view);
    return out;
  }
  datagram.complete = true;
  drop_bytes(datagram);
  holders_.resize(datagram, cost(datagram));
  if (assembled_view_.l3.empty()) {
    const std::uint32_t whole = assembled_view_.payload_bytes;
    view.payload_bytes = whole - std::min(whole, datagram.payload_bytes);
  }
  if (datagram.news) out.datagram = &assembled_view_;
  return out;
}

std::vector<HeldFragment> FragmentTable::expire(Timestamp now) {
  const std::int64_t tick = nanoseconds(now) / 1'000'000'000;
  std::vector<HeldFragment> out;
  if (tick <= last_tick_ || datagrams_.empty()) return out;
  last_tick_ = tick;
  for (auto it = datagrams_.begin(); it != datagrams_.end();) {
    const auto at = it++;
    if (at->second.began + limits_.timeout > now) continue;
    for (HeldFragment& held : take_held(at->second)) out.push_back(std::move(held));
    erase(at);
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const HeldFragment& a, const HeldFragment& b) { return a.time < b.time; });
  return out;
}

void FragmentTable::shift(Nanoseconds delta) {
  for (auto& [key, datagram] : datagrams_) {
    datagram.began += delta;
    for (HeldFragment& held : datagram.waiting) held.time += delta;
  }
  last_tick_ = 0;
}

std::vector<HeldFragment> FragmentTable::finish() {
  std::vector<HeldFragment> out = expire(Timestamp::max() - limits_.timeout);
  last_tick_ = 0;
  return out;
}

}  // namespace dpi
