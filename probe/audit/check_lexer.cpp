#include "probe/audit/check_lexer.h"

#include <algorithm>
#include <array>

namespace dpi {
namespace {

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

bool is_word(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c);
}

std::size_t length_of(std::string_view text, bool (*belongs)(char) noexcept) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), belongs) -
                                  text.begin());
}

// Longer ones first.
constexpr std::array<std::string_view, 13> symbols{"<>", "<=", ">=", "!~", "=", "<", ">",
                                                   "~",  "(",  ")",  ",",  "+", "-"};

}  // namespace

void CheckLexer::next() {
  rest_.remove_prefix(std::min(rest_.find_first_not_of(" \n"), rest_.size()));
  token_ = {};
  if (rest_.empty()) return;
  std::size_t size = 1;
  if (rest_.front() == '\'') {
    token_.kind = CheckToken::Kind::text;
    for (; size < rest_.size(); ++size) {
      if (rest_[size] == '\'' && rest_.substr(size + 1, 1) != "'") break;
      if (rest_[size] == '\'') ++size;
      token_.text.push_back(rest_[size]);
    }
    ++size;
  } else if (is_digit(rest_.front())) {
    token_.kind = CheckToken::Kind::number;
    size = length_of(rest_, is_digit);
  } else if (is_word(rest_.front())) {
    token_.kind = CheckToken::Kind::word;
    size = length_of(rest_, is_word);
  } else {
    token_.kind = CheckToken::Kind::symbol;
    const auto known = std::find_if(symbols.begin(), symbols.end(),
                                    [this](std::string_view s) { return rest_.starts_with(s); });
    if (known != symbols.end()) size = known->size();
  }
  if (token_.kind != CheckToken::Kind::text) token_.text = rest_.substr(0, size);
  rest_.remove_prefix(std::min(size, rest_.size()));
}

}  // namespace dpi
