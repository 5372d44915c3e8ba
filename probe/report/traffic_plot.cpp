#include "probe/report/traffic_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "probe/report/html_text.h"

namespace dpi {
namespace {

constexpr double width = 960, height = 240, left = 76, bottom = 28, top = 10;
constexpr double plot_width = width - left - 8, plot_height = height - top - bottom;

// Of 1, 2 or 5 times a power of ten, four at most below `greatest`.
double tick_step(double greatest) {
  const double rough = greatest / 4;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= rough) return factor * power;
  return 10 * power;
}

// 22:13:20, with the day where the plot spans several, with the year where it spans many, with
// fractions where it spans seconds.
std::string clock_text(Timestamp time, Nanoseconds span) {
  const TimeText whole = time_text(time);  // 2023-11-14T22:13:20.123456789Z
  const std::string_view text{whole.data(), whole.size()};
  if (span > std::chrono::hours{24 * 100}) return std::string{text.substr(0, 10)};
  if (span > std::chrono::hours{24})
    return fmt::format("{} {}", text.substr(5, 5), text.substr(11, 5));
  return std::string{span < std::chrono::seconds{10} ? text.substr(11, 12) : text.substr(11, 8)};
}

std::string rate_text(double bytes_a_second) {
  return html_bytes(bytes_a_second) + "/s";
}

}  // namespace

std::string traffic_plot(const TrafficBins& traffic) {
  if (traffic.empty()) return {};
  const auto& bins = traffic.bins();
  const double seconds = std::chrono::duration<double>(traffic.width()).count();
  double greatest = 1;
  for (const TrafficBins::Bin& bin : bins)
    greatest = std::max(greatest, (bin.bytes_src + bin.bytes_dst) / seconds);
  const auto y_of = [&](double rate) { return top + plot_height * (1 - rate / greatest); };
  const Nanoseconds span = traffic.width() * static_cast<std::int64_t>(bins.size());

  std::string out = fmt::format(
      "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"traffic-title\">"
      "<title id=\"traffic-title\">Bytes a second over time, at most {}</title>\n",
      width, height, rate_text(greatest));
  for (double rate = 0, step = tick_step(greatest); rate <= greatest; rate += step) {
    out += fmt::format(
        "<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>"
        "<text class=\"tick end\" x=\"{}\" y=\"{:.1f}\">{}</text>\n",
        left, width - 8, y_of(rate), y_of(rate), left - 6, y_of(rate) + 4, rate_text(rate));
  }
  const double step = plot_width / static_cast<double>(bins.size());
  for (std::size_t i = 0; i < bins.size(); ++i) {
    const double src = bins[i].bytes_src / seconds;
    const double dst = bins[i].bytes_dst / seconds;
    if (src + dst <= 0) continue;
    const double x = left + step * static_cast<double>(i);
    const Timestamp at = traffic.start() + traffic.width() * static_cast<std::int64_t>(i);
    out += fmt::format(
        "<g><title>{}: {} from initiators, {} to them</title>"
        "<rect class=\"src\" x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\"/>"
        "<rect class=\"dst\" x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\"/></g>\n",
        clock_text(at, span), rate_text(src), rate_text(dst), x, y_of(src), step,
        y_of(0) - y_of(src), x, y_of(src + dst), step, y_of(src) - y_of(src + dst));
  }
  constexpr int labels = 5;
  for (int i = 0; i <= labels; ++i) {
    const Timestamp at = traffic.start() + span * i / labels;
    out += fmt::format("<text class=\"tick {}\" x=\"{:.1f}\" y=\"{}\">{}</text>\n",
                       i == 0        ? "begin"
                       : i == labels ? "end"
                                     : "middle",
                       left + plot_width * i / labels, height - 8, clock_text(at, span));
  }
  return out + "</svg>\n";
}

}  // namespace dpi
