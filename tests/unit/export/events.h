// Events for tests of the formats: a payload in an envelope that says what the formats read.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "probe/export/exported_event.h"
#include "probe/export/record_format.h"

namespace dpi {

inline constexpr std::string_view test_instance = "64e688a9-52d5-85ac-a541-15bd57dcc4fa";

inline std::string test_envelope(std::string_view type) {
  return R"({"component":"dpi_probe","component_instance_id":")" + std::string{test_instance} +
         R"(","emitted_at":"2023-11-14T22:13:21.000000000Z","event_id":"018bcfe5-6804-87a6-9b2b-5401ea176b5a","event_type":")" +
         std::string{type} +
         R"(","identity":{"hostname":"probe%201","version":"1.2"},"observed_at":"2023-11-14T22:13:20.004000005Z"})";
}

// The lines that a format makes of one event.
inline std::string lines_of(RecordFormat& format, std::string_view type, std::string_view payload,
                            std::uint64_t seq = 7) {
  const std::string envelope = test_envelope(type);
  ExportedEvent event;
  EXPECT_TRUE(event.read(seq, envelope, payload));
  std::string out;
  format.append(out, event);
  return out;
}

// A flow's payload: what every test flow has, and more members, which must sort in between.
struct TestFlow {
  std::string before_dst = {};  // members up to "dst_ip", each with its comma
  std::string before_protocol = {};
  std::string before_src = {};
  std::string before_start = {};
  std::string behind = {};

  [[nodiscard]] std::string payload() const {
    return "{" + before_dst + R"("dst_ip":"198.51.100.20","dst_port":443,)" + before_protocol +
           R"("protocol":6,)" + before_src + R"("src_ip":"192.0.2.10","src_port":40000,)" +
           before_start + R"("start_at":"2023-11-14T22:13:18.000000000Z")" + behind + "}";
  }
};

}  // namespace dpi
