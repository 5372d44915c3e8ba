#include "probe/envelope/exchange_line.h"

#include <gtest/gtest.h>

namespace dpi {
namespace {

TEST(ExchangeLineTest, AnEventComesBackAsItWasWritten) {
  std::string line;
  append_event_line(line, {"{\"seq\":1}", "{\"n\":[{\"payload\":2}]}"});
  EXPECT_EQ(line, "{\"envelope\":{\"seq\":1},\"payload\":{\"n\":[{\"payload\":2}]}}");
  const auto event = parse_event_line(line);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->envelope, "{\"seq\":1}");
  EXPECT_EQ(event->payload, "{\"n\":[{\"payload\":2}]}");
  EXPECT_FALSE(is_checkpoint_line(line));
}

TEST(ExchangeLineTest, ACheckpointComesBackAsItWasWritten) {
  std::string line;
  append_checkpoint_line(line, "origin\n1\n");
  EXPECT_TRUE(is_checkpoint_line(line));
  EXPECT_EQ(parse_checkpoint_line(line), "origin\n1\n");
  EXPECT_FALSE(parse_event_line(line).has_value());
}

TEST(ExchangeLineTest, NoTruncationIsAWholeLine) {
  std::string event;
  append_event_line(event, {"{}", "[]"});
  for (std::size_t n = 0; n < event.size(); ++n)
    EXPECT_FALSE(parse_event_line(event.substr(0, n)).has_value()) << n;
  std::string checkpoint;
  append_checkpoint_line(checkpoint, "note");
  for (std::size_t n = 0; n < checkpoint.size(); ++n)
    EXPECT_FALSE(parse_checkpoint_line(checkpoint.substr(0, n)).has_value()) << n;
}

TEST(ExchangeLineTest, WhatIsNotBase64IsNoNote) {
  EXPECT_TRUE(is_checkpoint_line("{\"checkpoint\":\"?\"}"));
  EXPECT_FALSE(parse_checkpoint_line("{\"checkpoint\":\"?\"}").has_value());
  EXPECT_FALSE(parse_checkpoint_line("{\"checkpoint\":\"}").has_value());
}

}  // namespace
}  // namespace dpi
