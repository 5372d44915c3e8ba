#include "probe/pipeline/worker.h"

#include <algorithm>
#include <limits>

#include "probe/base/clock.h"

namespace dpi {
namespace {

constexpr std::chrono::seconds long_enough{3600};  // to wait for a bell that rings

// It has one writer.
void grow(std::atomic<std::uint64_t>& total, std::uint64_t by) noexcept {
  total.store(total.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

FactBatch* first_batch(WorkerChannel& channel) noexcept {
  channel.facts.produce_on();
  FactBatch* const first = channel.facts.claim([] { return true; });
  first->begin(channel.board[0].incarnation.load(std::memory_order_relaxed), 0);
  return first;
}

}  // namespace

// Says on the board when the classifier is asked for a flow's last word, and leaves out what is to
// be left out.
class Worker::Watched final : public Classifier {
 public:
  Watched(std::shared_ptr<Classifier> classifier, WorkerBoard& board, const LeftOutList& left_out)
      : classifier_(std::move(classifier)), board_(board), left_out_(left_out) {}

  void leave_out(bool packet) noexcept { packet_left_out_ = packet; }

  void inspect(const Flow& flow, const PacketView& view, Timestamp time) override {
    if (!packet_left_out_) classifier_->inspect(flow, view, time);
  }
  Verdict verdict(const Flow& flow) override { return classifier_->verdict(flow); }
  Verdict conclude(const Flow& flow) override {
    if (!left_out_.empty() && left_out_.has(LeftOut::What::conclusion, flow.number))
      return classifier_->verdict(flow);
    board_.concluding.store(flow.number, std::memory_order_relaxed);
    Verdict out = classifier_->conclude(flow);
    board_.concluding.store(0, std::memory_order_relaxed);
    return out;
  }
  [[nodiscard]] std::size_t memory_bytes(const Flow& flow) const override {
    return classifier_->memory_bytes(flow);
  }
  [[nodiscard]] std::string version() const override { return classifier_->version(); }

 private:
  std::shared_ptr<Classifier> classifier_;
  WorkerBoard& board_;
  const LeftOutList& left_out_;
  bool packet_left_out_ = false;
};

// What a batch says, done by the lanes; ticks carry the front's counters once for all workers.
class Worker::Player {
 public:
  explicit Player(Worker& worker) : w_(worker) {}

  void packet(std::uint32_t lane, const LanePacket& packet) {
    if (packet.counted) {
      grow(w_.board_.packets_played, 1);
      grow(w_.board_.bytes_played, packet.packet.view.ip_bytes);
    }
    if (!w_.settings_.left_out.empty()) {
      packet_or_less(lane, packet);
    } else if (w_.in_hand_.size() == 1) {
      w_.lanes_.packet(lane, packet);
    } else {
      w_.lanes_.packet(lane, not_before(w_.newest_, packet));
    }
  }
  void tick(FactNumber number, Timestamp now, const FrontStats& front) {
    w_.lanes_.tick(number, now);
    w_.encoder_.tick(number, now, stats(front));
  }
  void canary(std::uint64_t canary, const LanePacket& packet, bool last) {
    w_.encoder_.mark_canary(canary);
    w_.lanes_.canary(packet, last);
    w_.encoder_.mark_canary(0);
  }
  void clock_stepped(std::uint64_t nth, Nanoseconds delta) {
    if (nth > w_.clock_steps_) w_.newest_ += delta;
    w_.clock_steps_ = std::max(w_.clock_steps_, nth);
    w_.lanes_.clock_stepped(nth, delta);
  }
  void finish(FactNumber number, EndReason reason, const FrontStats& front) {
    w_.lanes_.finish(number, reason);
    w_.encoder_.capture_ended(number, stats(front));
  }

 private:
  // Of several fronts one may come later than the merge has waited for it: what lanes see never
  // goes back in time.
  static LanePacket not_before(Timestamp& newest, const LanePacket& packet) {
    newest = std::max(newest, packet.packet.time);
    LanePacket out = packet;
    out.packet.time = newest;
    return out;
  }
  void packet_or_less(std::uint32_t lane, const LanePacket& packet) {
    const FactNumber number = packet.packet.number;
    if (w_.settings_.left_out.has(LeftOut::What::packet, number)) return;
    const bool less = w_.settings_.left_out.has(LeftOut::What::dissection, number);
    if (less && !packet.counted) return;
    LanePacket rest = packet;
    if (less) rest.dissected = nullptr;
    w_.watched_->leave_out(less);
    w_.lanes_.packet(lane, rest);
    w_.watched_->leave_out(false);
  }
  [[nodiscard]] PipelineStats stats(const FrontStats& front) const noexcept {
    const std::uint32_t before = w_.incarnation_ - 1;
    return {w_.settings_.index == 0 ? front : FrontStats{},
            w_.lanes_.stats(),
            {w_.board_.lost_packets.load(std::memory_order_relaxed),
             w_.board_.lost_bytes.load(std::memory_order_relaxed), before}};
  }

  Worker& w_;
};

Worker::Worker(const WorkerSettings& settings, WorkerChannel& channel,
               std::shared_ptr<Classifier> classifier, Doorbell& recorder)
    : settings_(settings),
      channel_(channel),
      board_(channel.board[0]),
      recorder_(recorder),
      incarnation_(board_.incarnation.load(std::memory_order_relaxed)),
      encoder_(*this, first_batch(channel), board_.told, settings.canary),
      watched_(new Watched(std::move(classifier), board_, settings_.left_out)),
      lanes_(settings.limits, settings.seed, std::unique_ptr<Classifier>(watched_), encoder_,
             settings.index, settings.workers),
      in_hand_(channel.work.size()),
      merge_(channel.work.size()) {
  for (SlotRing<WorkBatch>& work : channel_.work) work.consume_on();
  for (std::size_t f = 0; f < channel_.places.size(); ++f)
    if (channel_.places[f].stopped.load(std::memory_order_relaxed)) merge_.ends(f);
}

Worker::~Worker() = default;

FactBatch* Worker::hand_over(FactBatch* full) {
  const FactNumber complete_to = full->complete_to();
  channel_.facts.publish();
  recorder_.ring();
  // Whoever would end the wait in vain ends this process.
  FactBatch* const next = channel_.facts.claim([] { return true; });
  next->begin(incarnation_, complete_to);
  return next;
}

bool Worker::all_stopped() const noexcept {
  for (std::size_t f = 0; f < channel_.places.size(); ++f)
    if (!channel_.places[f].stopped.load(std::memory_order_relaxed)) return false;
  return true;
}

void Worker::run() {
  while (true) {
    const std::uint32_t rung = board_.work.rung();
    for (std::uint32_t f = 0; f < in_hand_.size(); ++f) take(f);
    if (all_stopped()) break;
    const FrontMerge::Choice choice = merge_.choose(boot_time());
    if (choice.front) {
      play(static_cast<std::uint32_t>(*choice.front), choice.until);
    } else if (!any_in_hand()) {
      board_.work.wait(rung, long_enough);
    } else if (choice.wait) {
      board_.work.wait(rung, *choice.wait);
    }
  }
  board_.leaves.store(true, std::memory_order_release);
  encoder_.flush(std::numeric_limits<FactNumber>::max());
}

bool Worker::any_in_hand() const noexcept {
  return std::any_of(in_hand_.begin(), in_hand_.end(),
                     [](const InHand& hand) { return hand.batch != nullptr; });
}

// The front's next batch, when it has none in hand; where the worker before this one was in it.
void Worker::take(std::uint32_t front) {
  InHand& hand = in_hand_[front];
  while (hand.batch == nullptr) {
    const std::uint32_t nth = channel_.work[front].released();
    hand.batch = channel_.work[front].try_take();
    if (hand.batch == nullptr) return;
    hand.at = WorkPlace::unpack(channel_.places[front].place.load(std::memory_order_relaxed));
    if (hand.at.batch != nth) hand.at = {.batch = nth};
    hand.came = boot_time();
    look_at_next(front);
  }
}

// Tells the merge what is next; a batch in which nothing is goes back.
void Worker::look_at_next(std::uint32_t front) {
  InHand& hand = in_hand_[front];
  if (hand.at.item < hand.batch->size()) {
    merge_.next_is(front, hand.batch->time(hand.at.item), hand.came);
    return;
  }
  merge_.has_nothing(front);
  merge_.note(front, hand.batch->now());
  if (hand.batch->stopped()) {
    merge_.ends(front);
    channel_.places[front].stopped.store(true, std::memory_order_relaxed);
  }
  encoder_.flush(hand.batch->complete_to());
  channel_.work[front].release();
  hand.batch = nullptr;
}

void Worker::play(std::uint32_t front, Timestamp until) {
  InHand& hand = in_hand_[front];
  std::atomic<std::uint64_t>& place = channel_.places[front].place;
  Player player(*this);
  do {
    hand.at.busy = true;
    place.store(hand.at.pack(), std::memory_order_release);
    hand.batch->play(hand.at.item, player);
    ++hand.at.item;
    hand.at.busy = false;
    place.store(hand.at.pack(), std::memory_order_release);
    grow(board_.steps, 1);
  } while (hand.at.item < hand.batch->size() &&
           hand.batch->time(hand.at.item).value_or(until) <= until);
  look_at_next(front);
}

}  // namespace dpi
