#include "probe/app/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "probe/app/human.h"

namespace dpi {

bool Progress::due() const {
  return enabled_ && std::chrono::steady_clock::now() - drawn_ >= std::chrono::milliseconds{100};
}

void Progress::update(std::uint64_t packets, std::uint64_t bytes_done, std::string_view capture) {
  if (!due()) return;
  drawn_ = std::chrono::steady_clock::now();
  constexpr std::size_t width = 20;
  const std::uint64_t total = std::max<std::uint64_t>(bytes_total_, 1);
  const std::uint64_t done = std::min(bytes_done, total);
  const auto filled = static_cast<std::size_t>(done * width / total);
  const double elapsed = std::max(std::chrono::duration<double>(drawn_ - began_).count(), 1e-3);
  const double rate = static_cast<double>(packets) / elapsed;
  const std::string left =
      done == 0 ? ""
                : fmt::format("{} left  ", human_age(elapsed * static_cast<double>(total - done) /
                                                     static_cast<double>(done)));
  const std::string name{
      capture.substr(capture.rfind('/') == std::string_view::npos ? 0 : capture.rfind('/') + 1)};
  const std::string line =
      fmt::format("\r\x1b[K[{:#<{}}{:.<{}}] {:3} %  {} packets  {}/s  {}{}", "", filled, "",
                  width - filled, done * 100 / total, human_count(static_cast<double>(packets)),
                  human_count(rate), left, name.substr(0, 16));
  std::fputs(line.c_str(), stderr);
  visible_ = true;
}

void Progress::clear() {
  if (visible_) std::fputs("\r\x1b[K", stderr);
  visible_ = false;
}

}  // namespace dpi
