#include "dissectors/http/http1.h"

#include <algorithm>

namespace dpi {
namespace {

constexpr std::string_view white = " \t";
constexpr std::string_view version_prefix = "HTTP/1.";

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

bool has_version(std::string_view text) noexcept {
  return text.size() == version_prefix.size() + 1 && text.starts_with(version_prefix) &&
         is_digit(text.back());
}

// RFC 9110 §5.6.2: tchar.
bool is_token(char c) noexcept {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         marks.find(c) != std::string_view::npos;
}

std::string_view trimmed(std::string_view text) noexcept {
  const std::size_t from = text.find_first_not_of(white);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(white) - from + 1);
}

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

HttpStart http_start(std::string_view head) noexcept {
  const std::size_t common = std::min(head.size(), version_prefix.size());
  if (head.substr(0, common) == version_prefix.substr(0, common))
    return common == version_prefix.size() ? HttpStart::response : HttpStart::perhaps;
  const auto* const end = std::find_if_not(head.begin(), head.end(), is_token);
  const auto method = static_cast<std::size_t>(end - head.begin());
  if (method > http_method_bytes_max) return HttpStart::no;
  if (end == head.end()) return HttpStart::perhaps;
  if (method == 0 || white.find(*end) == std::string_view::npos) return HttpStart::no;
  const std::size_t target = head.find_first_not_of(white, method);
  if (target == std::string_view::npos) return HttpStart::perhaps;
  return head[target] > ' ' && head[target] <= '~' ? HttpStart::request : HttpStart::no;
}

std::optional<HttpRequestLine> parse_http_request_line(std::string_view line) noexcept {
  line = trimmed(line);
  const std::size_t first = line.find_first_of(white);
  const std::size_t last = line.find_last_of(white);
  if (first == std::string_view::npos || !has_version(line.substr(last + 1))) return std::nullopt;
  const std::string_view method = line.substr(0, first);
  const std::string_view target = trimmed(line.substr(first, last - first));
  if (!std::all_of(method.begin(), method.end(), is_token) || target.empty()) return std::nullopt;
  return HttpRequestLine{method, target};
}

std::string_view http_target_authority(const HttpRequestLine& request) noexcept {
  if (request.method == "CONNECT") return request.target;
  const std::size_t scheme = request.target.find("://");
  if (scheme == 0 || scheme > request.target.find_first_of("/?#")) return {};
  std::string_view authority = request.target.substr(std::min(scheme, request.target.size()));
  if (authority.empty()) return {};
  authority.remove_prefix(3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  const std::size_t user = authority.rfind('@');
  return user == std::string_view::npos ? authority : authority.substr(user + 1);
}

std::optional<std::uint16_t> parse_http_status_line(std::string_view line) noexcept {
  constexpr std::size_t version_bytes = version_prefix.size() + 1;
  if (line.size() <= version_bytes || !has_version(line.substr(0, version_bytes)) ||
      white.find(line[version_bytes]) == std::string_view::npos) {
    return std::nullopt;
  }
  line = trimmed(line.substr(version_bytes));
  const std::string_view code = line.substr(0, 3);
  if (code.size() < 3 || !std::all_of(code.begin(), code.end(), is_digit)) return std::nullopt;
  if (line.size() > 3 && white.find(line[3]) == std::string_view::npos) return std::nullopt;
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
