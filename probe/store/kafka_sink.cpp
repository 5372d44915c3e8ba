#include "probe/store/kafka_sink.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <utility>
#include <vector>

#include "probe/envelope/exchange_line.h"
#include "probe/store/attempt.h"

namespace dpi {
namespace {

constexpr int slice_ms = 50;  // an end that another thread sets meanwhile is seen
constexpr std::size_t reason_bytes = 512;

struct FreeConfiguration {
  void operator()(rd_kafka_conf_t* configuration) const noexcept {
    rd_kafka_conf_destroy(configuration);
  }
};
using Configuration = std::unique_ptr<rd_kafka_conf_t, FreeConfiguration>;

// What the library's callbacks say, all from poll() and so from the sink's thread.
struct Reports {
  std::uint64_t safe_seq = 0;
  std::string refused;  // why an event was not delivered; what follows it does not count
  std::string trouble;  // the last that the library met
};

class KafkaSink final : public FollowedSink {
 public:
  KafkaSink(Receiver receiver, const Uuid& instance, const Patience& patience,
            const ConnectionLimits& limits)
      : receiver_(std::move(receiver)),
        key_(uuid_text(instance)),
        patience_(patience),
        limits_(limits) {}
  KafkaSink(const KafkaSink&) = delete;
  KafkaSink& operator=(const KafkaSink&) = delete;
  // Its threads may still ask a name server: that is left to a thread of its own.
  ~KafkaSink() override {
    if (producer_ == nullptr) return;
    rd_kafka_purge(producer_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_poll(producer_, 0);  // the reports of what was purged
    rd_kafka_t* const producer = producer_;
    (void)attempt_within<bool>(
        [producer](const AttemptLeft&) {
          rd_kafka_destroy(producer);
          return true;
        },
        patience_, patience_.until(limits_.end));
  }

  Result<void> event(std::uint64_t seq, std::string_view envelope,
                     std::string_view payload) override {
    if (auto made = make_producer(); !made) return made;
    line_.clear();
    append_event_line(line_, {envelope, payload});
    if (auto put = produce(seq); !put) return put;
    put_seq_ = seq + 1;
    return {};
  }
  Result<void> checkpoint(std::string_view /*note*/, const ChainHead& /*head*/) override {
    return flush();
  }
  Result<void> resume(const OutputPosition& from, AppendFile::Rest /*rest*/) override {
    put_seq_ = reports_->safe_seq = from.next_seq;
    return {};
  }
  Result<void> flush() override { return hear(0); }
  Result<OutputPosition> sync(std::uint64_t /*put_seq*/) override {
    if (auto heard = hear(0); !heard) return tl::unexpected(heard.error());
    return OutputPosition{.next_seq = reports_->safe_seq, .files = {}};
  }
  Result<void> settle() override {
    const auto deadline = patience_.until(limits_.stall + limits_.end);
    while (reports_->safe_seq < put_seq_ && !patience_.over(deadline))
      if (auto heard = hear(slice_ms); !heard) return heard;
    return {};
  }
  Result<void> finish() override {
    if (auto settled = settle(); !settled) return settled;
    if (reports_->safe_seq >= put_seq_) return {};
    return failed(fmt::format("has not acknowledged {} events", put_seq_ - reports_->safe_seq));
  }

 private:
  [[nodiscard]] tl::unexpected<Error> failed(std::string_view what) const {
    return fail(Errc::sink,
                fmt::format("{}, topic {}: {}{}{}", receiver_.text(), receiver_.name, what,
                            reports_->trouble.empty() ? "" : ": ", reports_->trouble));
  }

  Result<void> make_producer() {
    if (producer_ != nullptr) return {};
    Configuration configuration(rd_kafka_conf_new());
    std::array<char, reason_bytes> reason{};
    for (const auto& [name, value] : settings()) {
      if (rd_kafka_conf_set(configuration.get(), name.c_str(), value.c_str(), reason.data(),
                            reason.size()) != RD_KAFKA_CONF_OK)
        return fail(Errc::usage, fmt::format("{}: {}", receiver_.text(), reason.data()));
    }
    rd_kafka_conf_set_opaque(configuration.get(), reports_.get());
    rd_kafka_conf_set_dr_msg_cb(configuration.get(), delivered);
    rd_kafka_conf_set_error_cb(configuration.get(), met);
    rd_kafka_conf_set_log_cb(configuration.get(), nullptr);  // what matters is in the errors
    producer_ = rd_kafka_new(RD_KAFKA_PRODUCER, configuration.get(), reason.data(), reason.size());
    if (producer_ == nullptr)
      return fail(Errc::usage, fmt::format("{}: {}", receiver_.text(), reason.data()));
    (void)configuration.release();  // the producer's now
    return {};
  }

  [[nodiscard]] std::vector<std::pair<std::string, std::string>> settings() const {
    std::vector<std::pair<std::string, std::string>> out{
        {"bootstrap.servers", receiver_.text()},
        {"client.id", "ransomeye-dpi"},
        {"enable.idempotence", "true"},
        {"linger.ms", "20"},
        {"message.timeout.ms", fmt::format("{}", limits_.stall.count())},
        {"socket.timeout.ms", fmt::format("{}", std::max<long>(limits_.stall.count(), 10))},
        {"queue.buffering.max.messages", "10000"},
        {"queue.buffering.max.kbytes", "1024"},
        {"security.protocol", receiver_.transport == Transport::tls ? "ssl" : "plaintext"}};
    if (receiver_.transport != Transport::tls) return out;
    const TlsSettings& tls = receiver_.tls;
    if (!tls.verify) out.emplace_back("enable.ssl.certificate.verification", "false");
    if (!tls.trust_file.empty()) out.emplace_back("ssl.ca.location", tls.trust_file);
    if (!tls.certificate.empty()) {
      out.emplace_back("ssl.certificate.location", tls.certificate);
      out.emplace_back("ssl.key.location", tls.key.empty() ? tls.certificate : tls.key);
    }
    return out;
  }

  // Waits while the queue of the library is full: what is not delivered in time leaves it.
  Result<void> produce(std::uint64_t seq) {
    const auto deadline = patience_.until(limits_.stall + limits_.end);
    for (;;) {
      std::array<rd_kafka_vu_t, 5> message{};
      message[0].vtype = RD_KAFKA_VTYPE_TOPIC;
      message[0].u.cstr = receiver_.name.c_str();
      message[1].vtype = RD_KAFKA_VTYPE_KEY;
      message[1].u.mem = {.ptr = key_.data(), .size = key_.size()};
      message[2].vtype = RD_KAFKA_VTYPE_VALUE;
      message[2].u.mem = {.ptr = line_.data(), .size = line_.size()};
      message[3].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
      message[3].u.i = RD_KAFKA_MSG_F_COPY;
      message[4].vtype = RD_KAFKA_VTYPE_OPAQUE;
      static_assert(sizeof(void*) >= sizeof(seq));
      message[4].u.ptr = std::bit_cast<void*>(seq);
      rd_kafka_error_t* const error = rd_kafka_produceva(producer_, message.data(), message.size());
      if (error == nullptr) return {};
      const rd_kafka_resp_err_t code = rd_kafka_error_code(error);
      const std::string why = rd_kafka_error_string(error);
      rd_kafka_error_destroy(error);
      if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) return failed(why);
      if (patience_.over(deadline)) return failed("takes nothing");
      if (auto heard = hear(slice_ms); !heard) return heard;
    }
  }

  Result<void> hear(int wait_ms) {
    if (producer_ != nullptr) rd_kafka_poll(producer_, wait_ms);
    return reports_->refused.empty() ? Result<void>{} : failed(reports_->refused);
  }

  static void delivered(rd_kafka_t* /*producer*/, const rd_kafka_message_t* message, void* opaque) {
    Reports& reports = *static_cast<Reports*>(opaque);
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      if (reports.refused.empty()) reports.refused = rd_kafka_err2str(message->err);
    } else if (reports.refused.empty()) {
      // One key is one partition, and there an idempotent producer keeps the order.
      reports.safe_seq = std::bit_cast<std::uint64_t>(message->_private) + 1;
    }
  }
  static void met(rd_kafka_t* /*producer*/, int /*code*/, const char* reason, void* opaque) {
    static_cast<Reports*>(opaque)->trouble = reason;
  }

  Receiver receiver_;
  std::string key_;
  const Patience& patience_;
  ConnectionLimits limits_;
  std::unique_ptr<Reports> reports_ = std::make_unique<Reports>();
  rd_kafka_t* producer_ = nullptr;
  std::string line_;
  std::uint64_t put_seq_ = 0;
};

}  // namespace

bool is_kafka_topic(std::string_view name) noexcept {
  constexpr std::size_t bytes_max = 249;
  constexpr std::string_view allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !name.empty() && name.size() <= bytes_max && name != "." && name != ".." &&
         name.find_first_not_of(allowed) == std::string_view::npos;
}

std::unique_ptr<FollowedSink> open_kafka_sink(Receiver receiver, const Uuid& instance,
                                              const Patience& patience,
                                              const ConnectionLimits& limits) {
  return std::make_unique<KafkaSink>(std::move(receiver), instance, patience, limits);
}

}  // namespace dpi
