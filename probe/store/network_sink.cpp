#include "probe/store/network_sink.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <utility>

namespace dpi {
namespace {

using namespace std::chrono_literals;
using Clock = Patience::Clock;

constexpr std::size_t full_bytes = 256U << 10U;
// A receiver that stops loses what its kernel has taken and it has not read. What was sent so
// shortly before the connection broke is sent again.
constexpr auto safe_after = 2s;
constexpr auto mark_every = 100ms;

class NetworkSink final : public FollowedSink {
 public:
  NetworkSink(Receiver receiver, std::unique_ptr<MessageFormat> format, const Patience& patience,
              const ConnectionLimits& limits)
      : receiver_(std::move(receiver)),
        format_(std::move(format)),
        patience_(patience),
        limits_(limits) {}

  Result<void> event(std::uint64_t seq, std::string_view envelope,
                     std::string_view payload) override {
    if (auto put = format_->append(out_, seq, envelope, payload); !put) return put;
    put_seq_ = seq + 1;
    // A datagram is one message.
    return receiver_.transport == Transport::datagram || out_.size() >= full_bytes ? send()
                                                                                   : Result<void>{};
  }
  Result<void> checkpoint(std::string_view /*note*/, const ChainHead& /*head*/) override {
    return flush();
  }
  Result<void> resume(const OutputPosition& from, AppendFile::Rest /*rest*/) override {
    put_seq_ = safe_seq_ = from.next_seq;
    return {};
  }
  Result<void> flush() override {
    if (auto flushed = format_->flush(out_); !flushed) return flushed;
    if (auto sent = send(); !sent) return sent;
    mark();
    return {};
  }
  Result<OutputPosition> sync(std::uint64_t put_seq) override {
    put_seq_ = std::max(put_seq_, put_seq);
    if (auto flushed = flush(); !flushed) return tl::unexpected(flushed.error());
    if (connection_ != nullptr && !ended_) {
      if (auto heard = connection_->hear(); !heard) return tl::unexpected(heard.error());
    }
    forget_what_is_safe();
    return OutputPosition{.next_seq = safe_seq_, .files = {}};
  }
  Result<void> settle() override {
    if (auto flushed = flush(); !flushed) return flushed;
    if (connection_ == nullptr || std::exchange(ended_, true)) return {};
    const auto closed = connection_->end();
    if (!closed) return tl::unexpected(closed.error());
    if (*closed) {
      marks_.clear();
      safe_seq_ = put_seq_;
    }
    return {};
  }
  Result<void> finish() override {
    if (auto settled = settle(); !settled) return settled;
    if (connection_ == nullptr || connection_->arrived_bytes() == connection_->sent_bytes())
      return {};
    return fail(Errc::sink,
                fmt::format("{}: has not acknowledged the last {} bytes", receiver_.text(),
                            connection_->sent_bytes() - connection_->arrived_bytes()));
  }

 private:
  // Events below `seq` are sent when so many bytes are.
  struct Mark {
    std::uint64_t bytes;
    std::uint64_t seq;
    Clock::time_point at;
  };

  Result<void> send() {
    if (out_.empty()) return {};
    if (connection_ == nullptr) {
      auto connection = ReceiverConnection::open(receiver_, patience_, limits_);
      if (!connection) return tl::unexpected(connection.error());
      connection_ = std::move(*connection);
    } else if (auto heard = connection_->hear(); !heard) {
      return heard;
    }
    if (auto sent = connection_->send(out_); !sent) return sent;
    out_.clear();
    return {};
  }

  void mark() {
    const std::uint64_t bytes = connection_ == nullptr ? 0 : connection_->sent_bytes();
    const std::uint64_t marked = marks_.empty() ? marked_bytes_ : marks_.back().bytes;
    if (bytes == marked) {  // nothing was sent for what was put since
      (marks_.empty() ? safe_seq_ : marks_.back().seq) = put_seq_;
      return;
    }
    const auto now = Clock::now();
    if (!marks_.empty() && now - marks_.back().at < mark_every) {
      marks_.back().bytes = bytes;
      marks_.back().seq = put_seq_;
      return;
    }
    marks_.push_back({bytes, put_seq_, now});
  }

  void forget_what_is_safe() {
    if (marks_.empty()) return;
    const bool stream = receiver_.transport != Transport::datagram;
    const std::uint64_t arrived = connection_->arrived_bytes();
    const auto before = Clock::now() - (stream ? Clock::duration{safe_after} : Clock::duration{});
    while (!marks_.empty() && marks_.front().bytes <= arrived && marks_.front().at <= before) {
      safe_seq_ = marks_.front().seq;
      marked_bytes_ = marks_.front().bytes;
      marks_.pop_front();
    }
  }

  Receiver receiver_;
  std::unique_ptr<MessageFormat> format_;
  const Patience& patience_;
  ConnectionLimits limits_;
  std::unique_ptr<ReceiverConnection> connection_;
  std::string out_;
  std::deque<Mark> marks_;  // of what is not safe yet: some for each second that it lasts
  std::uint64_t marked_bytes_ = 0;
  std::uint64_t put_seq_ = 0;
  std::uint64_t safe_seq_ = 0;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<FollowedSink> open_network_sink(Receiver receiver,
                                                std::unique_ptr<MessageFormat> format,
                                                const Patience& patience,
                                                const ConnectionLimits& limits) {
  return std::make_unique<NetworkSink>(std::move(receiver), std::move(format), patience, limits);
}

}  // namespace dpi
