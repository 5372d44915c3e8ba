// Against librdkafka's mock cluster, in this process.
#include "probe/store/kafka_sink.h"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <array>
#include <chrono>
#include <string>
#include <thread>

namespace dpi {
namespace {

using namespace std::chrono_literals;
using Clock = Patience::Clock;

class KafkaSinkTest : public ::testing::Test {
 protected:
  KafkaSinkTest() {
    std::array<char, 512> reason{};
    handle_ = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), reason.data(), reason.size());
    cluster_ = rd_kafka_mock_cluster_new(handle_, 1);
    const auto receiver = parse_receiver(
        std::string{"tcp://"} + rd_kafka_mock_cluster_bootstraps(cluster_) + "/events",
        {.tcp = "9092", .tls = "9093"});
    EXPECT_TRUE(receiver);
    receiver_ = *receiver;
  }
  ~KafkaSinkTest() override {
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(handle_);
  }
  [[nodiscard]] std::unique_ptr<FollowedSink> open() const {
    auto out = open_kafka_sink(receiver_, Uuid{}, patience_,
                               {.connect = 1s, .stall = 1500ms, .end = 200ms});
    EXPECT_TRUE(out->resume({.next_seq = 5, .files = {}}, AppendFile::Rest::there));
    return out;
  }

  rd_kafka_t* handle_ = nullptr;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
  Receiver receiver_;
  Patience patience_;
};

TEST_F(KafkaSinkTest, CountsAnEventAsSafeWhenTheBrokersSaySo) {
  auto sink = open();
  ASSERT_TRUE(sink->event(5, "{}", "{}"));
  ASSERT_TRUE(sink->event(6, "{}", "{}"));
  EXPECT_EQ(sink->sync(7)->next_seq, 5U);
  ASSERT_TRUE(sink->settle());
  EXPECT_EQ(sink->sync(7)->next_seq, 7U);
  EXPECT_TRUE(sink->finish());
}

TEST_F(KafkaSinkTest, DoesNotCountWhatABrokerRefuses) {
  auto sink = open();
  ASSERT_TRUE(sink->event(5, "{}", "{}"));
  ASSERT_TRUE(sink->settle());
  constexpr std::int16_t produce_request = 0;
  rd_kafka_mock_push_request_errors(cluster_, produce_request, 1,
                                    RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
  ASSERT_TRUE(sink->event(6, "{}", "{}"));
  const auto finished = sink->finish();
  ASSERT_FALSE(finished);
  EXPECT_NE(finished.error().what.find("topic events"), std::string::npos);
  EXPECT_FALSE(sink->sync(7));
}

TEST_F(KafkaSinkTest, GivesUpBrokersThatAreAway) {
  receiver_.hosts.front() = {.host = "127.0.0.1", .port = "1"};
  auto sink = open();
  ASSERT_TRUE(sink->event(5, "{}", "{}"));
  const auto began = Clock::now();
  EXPECT_FALSE(sink->finish());
  EXPECT_LT(Clock::now() - began, 6s);
}

TEST_F(KafkaSinkTest, StopsWaitingWhenItsPatienceEnds) {
  receiver_.hosts.front() = {.host = "127.0.0.1", .port = "1"};
  auto sink =
      open_kafka_sink(receiver_, Uuid{}, patience_, {.connect = 60s, .stall = 60s, .end = 60s});
  ASSERT_TRUE(sink->event(5, "{}", "{}"));
  const auto began = Clock::now();
  patience_.end_at(began + 300ms);
  EXPECT_TRUE(sink->settle());
  EXPECT_EQ(sink->sync(6)->next_seq, 0U);
  sink.reset();
  EXPECT_LT(Clock::now() - began, 3s);
}

TEST(KafkaTopic, HasTheCharactersThatKafkaTakes) {
  for (const char* const good : {"a", "ransomeye.events-1_x"}) EXPECT_TRUE(is_kafka_topic(good));
  for (const std::string& bad :
       {std::string{}, std::string{"."}, std::string{".."}, std::string{"a b"}, std::string{"a/b"},
        std::string{"\xC3\xA9"}, std::string(250, 'a')})
    EXPECT_FALSE(is_kafka_topic(bad)) << bad;
}

}  // namespace
}  // namespace dpi
