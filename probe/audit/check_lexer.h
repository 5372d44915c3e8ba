// The words of a CHECK.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dpi {

struct CheckToken {
  enum class Kind : std::uint8_t { end, word, number, text, symbol };
  Kind kind = Kind::end;
  std::string text;  // of a text without its quotes
};

class CheckLexer {
 public:
  explicit CheckLexer(std::string_view text) : rest_(text) { next(); }

  [[nodiscard]] const CheckToken& token() const noexcept { return token_; }
  // Whether it is that word (in lower case) or symbol.
  [[nodiscard]] bool at(std::string_view wanted) const noexcept {
    return (token_.kind == CheckToken::Kind::word || token_.kind == CheckToken::Kind::symbol) &&
           token_.text == wanted;
  }
  void next();
  [[nodiscard]] bool take(std::string_view wanted) {
    if (!at(wanted)) return false;
    next();
    return true;
  }

 private:
  std::string_view rest_;
  CheckToken token_;
};

}  // namespace dpi
