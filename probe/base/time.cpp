#include "probe/base/time.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace dpi {
namespace {

constexpr std::int64_t per_second = 1'000'000'000;

constexpr auto digit_pairs = [] {
  std::array<std::array<char, 2>, 100> out{};
  for (unsigned i = 0; i < out.size(); ++i)
    out[i] = {static_cast<char>('0' + i / 10), static_cast<char>('0' + i % 10)};
  return out;
}();

// value < 100
void put_pair(char* at, std::uint32_t value) noexcept {
  std::memcpy(at, digit_pairs[value].data(), 2);
}

std::optional<std::uint32_t> digits(std::string_view text, std::size_t at,
                                    std::size_t count) noexcept {
  std::uint32_t value = 0;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10U + static_cast<std::uint32_t>(c - '0');
  }
  return value;
}

}  // namespace

TimeText time_text(Timestamp t) noexcept {
  constexpr std::int64_t last = 9'214'646'399'999'999'999;  // 2261-12-31T23:59:59.999999999Z
  const std::int64_t total = std::clamp<std::int64_t>(nanoseconds(t), 0, last);
  const auto day = std::chrono::floor<std::chrono::days>(timestamp(total));
  const std::chrono::year_month_day date{day};
  const std::int64_t in_day = (timestamp(total) - day).count();
  const auto second = static_cast<std::uint32_t>(in_day / per_second);
  const auto year = static_cast<std::uint32_t>(static_cast<int>(date.year()));
  const auto fraction = static_cast<std::uint32_t>(in_day % per_second);
  TimeText out{};
  put_pair(out.data(), year / 100U);
  put_pair(out.data() + 2, year % 100U);
  put_pair(out.data() + 5, static_cast<unsigned>(date.month()));
  put_pair(out.data() + 8, static_cast<unsigned>(date.day()));
  put_pair(out.data() + 11, second / 3600U);
  put_pair(out.data() + 14, second / 60U % 60U);
  put_pair(out.data() + 17, second % 60U);
  out[20] = static_cast<char>('0' + fraction / 100'000'000U);
  put_pair(out.data() + 21, fraction / 1'000'000U % 100U);
  put_pair(out.data() + 23, fraction / 10'000U % 100U);
  put_pair(out.data() + 25, fraction / 100U % 100U);
  put_pair(out.data() + 27, fraction % 100U);
  out[4] = out[7] = '-';
  out[10] = 'T';
  out[13] = out[16] = ':';
  out[19] = '.';
  out[29] = 'Z';
  return out;
}

std::optional<Timestamp> parse_time(std::string_view text) noexcept {
  if (text.size() != time_text_bytes || text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
      text[13] != ':' || text[16] != ':' || text[19] != '.' || text[29] != 'Z') {
    return std::nullopt;
  }
  const auto year = digits(text, 0, 4);
  const auto month = digits(text, 5, 2);
  const auto day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2);
  const auto minute = digits(text, 14, 2);
  const auto second = digits(text, 17, 2);
  const auto fraction = digits(text, 20, 9);
  if (!year || !month || !day || !hour || !minute || !second || !fraction) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year)},
                                         std::chrono::month{*month}, std::chrono::day{*day}};
  if (!date.ok() || *year < 1970 || *year > 2261 || *hour > 23 || *minute > 59 || *second > 59) {
    return std::nullopt;
  }
  const auto in_day = std::chrono::hours{*hour} + std::chrono::minutes{*minute} +
                      std::chrono::seconds{*second} + Nanoseconds{*fraction};
  return Timestamp{std::chrono::sys_days{date}} + in_day;
}

}  // namespace dpi
