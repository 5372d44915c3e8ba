// What a replay found, for people: shown at its end, whatever its outputs are.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "probe/base/hex.h"
#include "probe/store/event_sink.h"

namespace dpi {

// How often each word came; bounded, with what came too late as "others".
class WordCounts {
 public:
  explicit WordCounts(std::size_t words_max) : words_max_(words_max) {}
  void add(std::string_view word, std::uint64_t times = 1);
  // "a 12, b 7, c 1 and 3 more", the most frequent first, within that many columns.
  [[nodiscard]] std::string text(std::size_t columns) const;
  [[nodiscard]] bool empty() const noexcept { return counts_.empty(); }

 private:
  std::size_t words_max_;
  std::map<std::string, std::uint64_t, std::less<>> counts_;
};

class ReplaySummary {
 public:
  // One of the replay's sinks; it outlives neither the summary nor the recorder.
  [[nodiscard]] std::unique_ptr<EventSink> sink();

  void event(std::string_view event_type, std::string_view payload);

  struct Ending {
    Uuid instance{};
    Digest key_id{};
    std::size_t captures = 0;
    std::vector<std::string> outputs;
  };
  // Lines of at most 80 columns.
  [[nodiscard]] std::string text(const Ending& ending) const;

 private:
  void flow(std::string_view payload);
  void exchange(std::string_view payload);

  std::uint64_t flows_ = 0;
  std::uint64_t exchanges_ = 0;
  std::string first_at_;
  std::string last_at_;
  std::string heartbeat_;  // the last
  WordCounts applications_{1000};
  WordCounts names_{10'000};
  WordCounts questions_{10'000};
  WordCounts outcomes_{16};
  WordCounts risks_{200};
};

}  // namespace dpi
