#include "probe/app/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace dpi {

void Progress::update(std::uint64_t packets, std::uint64_t bytes_done, std::string_view capture) {
  if (!enabled_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - drawn_ < std::chrono::milliseconds{100}) return;
  drawn_ = now;
  constexpr std::size_t width = 24;
  const std::uint64_t total = std::max<std::uint64_t>(bytes_total_, 1);
  const auto filled =
      static_cast<std::size_t>(std::min<std::uint64_t>(bytes_done, total) * width / total);
  const std::string name{
      capture.substr(capture.rfind('/') == std::string_view::npos ? 0 : capture.rfind('/') + 1)};
  const std::string line =
      fmt::format("\r\x1b[K[{:#<{}}{:.<{}}] {:3} %  {} packets  {}", "", filled, "", width - filled,
                  bytes_done * 100 / total, packets, name.substr(0, 28));
  std::fputs(line.c_str(), stderr);
  visible_ = true;
}

void Progress::clear() {
  if (visible_) std::fputs("\r\x1b[K", stderr);
  visible_ = false;
}

}  // namespace dpi
