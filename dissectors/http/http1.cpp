#include "dissectors/http/http1.h"

#include <algorithm>
#include <array>

namespace dpi {
namespace {

constexpr std::array<std::string_view, 32> methods{
    "GET",      "POST",        "HEAD",        "PUT",         "DELETE",     "OPTIONS", "CONNECT",
    "TRACE",    "PATCH",       "PROPFIND",    "MKCOL",       "PROPPATCH",  "COPY",    "MOVE",
    "LOCK",     "UNLOCK",      "REPORT",      "SEARCH",      "SUBSCRIBE",  "NOTIFY",  "UNSUBSCRIBE",
    "MERGE",    "CHECKOUT",    "BIND",        "ACL",         "MKCALENDAR", "LINK",    "BITS_POST",
    "CCM_POST", "RPC_CONNECT", "RPC_IN_DATA", "RPC_OUT_DATA"};
constexpr std::string_view version_prefix = "HTTP/1.";

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

bool has_version(std::string_view text) noexcept {
  return text.size() == version_prefix.size() + 1 && text.starts_with(version_prefix) &&
         is_digit(text.back());
}

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view white = " \t";
  const std::size_t from = text.find_first_not_of(white);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(white) - from + 1);
}

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Whether head begins with word and a space, or is a beginning of that.
HttpStart begins(std::string_view head, std::string_view word, HttpStart yes) noexcept {
  const std::size_t common = std::min(head.size(), word.size());
  if (head.substr(0, common) != word.substr(0, common)) return HttpStart::no;
  return head.size() >= word.size() ? yes : HttpStart::perhaps;
}

}  // namespace

HttpStart http_start(std::string_view head) noexcept {
  HttpStart out = begins(head, version_prefix, HttpStart::response);
  for (const std::string_view method : methods) {
    if (out == HttpStart::response || out == HttpStart::request) return out;
    const HttpStart start = begins(head, method, HttpStart::request);
    if (start == HttpStart::perhaps) out = start;
    if (start != HttpStart::request) continue;
    if (head.size() == method.size()) {
      out = HttpStart::perhaps;
    } else if (head[method.size()] == ' ') {
      return HttpStart::request;
    }
  }
  return out;
}

std::optional<HttpRequestLine> parse_http_request_line(std::string_view line) noexcept {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == 0 || last <= first + 1) return std::nullopt;
  if (!has_version(line.substr(last + 1))) return std::nullopt;
  return HttpRequestLine{line.substr(0, first), line.substr(first + 1, last - first - 1)};
}

std::optional<std::uint16_t> parse_http_status_line(std::string_view line) noexcept {
  constexpr std::size_t code_at = version_prefix.size() + 2;
  if (line.size() < code_at + 3 || !has_version(line.substr(0, code_at - 1)) ||
      line[code_at - 1] != ' ') {
    return std::nullopt;
  }
  const std::string_view code = line.substr(code_at, 3);
  if (!std::all_of(code.begin(), code.end(), is_digit)) return std::nullopt;
  if (line.size() > code_at + 3 && line[code_at + 3] != ' ') return std::nullopt;
  return static_cast<std::uint16_t>((code[0] - '0') * 100 + (code[1] - '0') * 10 + code[2] - '0');
}

std::optional<HttpField> parse_http_field(std::string_view line) noexcept {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  return HttpField{line.substr(0, colon), trimmed(line.substr(colon + 1))};
}

bool same_name(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace dpi
