#include "probe/spec/value.h"

#include <fmt/format.h>

#include <charconv>

namespace dpi::spec {
namespace {

constexpr int depth_max = 16;

class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}

  std::optional<Value> read() {
    auto value = any(0);
    return at_ == text_.size() ? value : std::nullopt;
  }

 private:
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  std::optional<Value> any(int depth) {
    if (depth == depth_max || at_ >= text_.size()) return std::nullopt;
    Value value;
    switch (text_[at_]) {
      case '{':
        return object(depth);
      case '[':
        return list(depth);
      case '"': {
        auto text = string();
        return text ? std::optional{Value::of(std::move(*text))} : std::nullopt;
      }
      case 't':
      case 'f':
        value.kind = Value::Kind::boolean;
        value.truth = text_[at_] == 't';
        return take_word(value.truth ? "true" : "false") ? std::optional{value} : std::nullopt;
      default:
        return integer();
    }
  }
  std::optional<std::string> string() {
    if (!take('"')) return std::nullopt;
    const std::size_t end = text_.find('"', at_);
    if (end == std::string_view::npos) return std::nullopt;
    std::string out{text_.substr(at_, end - at_)};
    at_ = end + 1;
    return out;
  }
  std::optional<Value> integer() {
    std::int64_t number = 0;
    const char* const end = text_.data() + text_.size();
    const auto [stop, error] = std::from_chars(text_.data() + at_, end, number);
    if (error != std::errc{}) return std::nullopt;
    at_ = static_cast<std::size_t>(stop - text_.data());
    return Value::of(number);
  }
  std::optional<Value> list(int depth) {
    ++at_;
    Value out = Value::list_of({});
    if (take(']')) return out;
    do {
      auto item = any(depth + 1);
      if (!item) return std::nullopt;
      out.items.push_back(std::move(*item));
    } while (take(','));
    return take(']') ? std::optional{std::move(out)} : std::nullopt;
  }
  std::optional<Value> object(int depth) {
    ++at_;
    Value out;
    if (take('}')) return out;
    do {
      auto name = string();
      if (!name || !take(':')) return std::nullopt;
      auto member = any(depth + 1);
      if (!member) return std::nullopt;
      out.members.push_back({std::move(*name), std::move(*member)});
    } while (take(','));
    return take('}') ? std::optional{std::move(out)} : std::nullopt;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

const Value* Value::find(std::string_view name) const noexcept {
  for (const auto& [key, member] : members) {
    if (key == name) return &member;
  }
  return nullptr;
}

Value Value::of(std::int64_t number) {
  Value out;
  out.kind = Kind::integer;
  out.number = number;
  return out;
}

Value Value::of(std::string text) {
  Value out;
  out.kind = Kind::text;
  out.text = std::move(text);
  return out;
}

Value Value::list_of(std::vector<Value> items) {
  Value out;
  out.kind = Kind::list;
  out.items = std::move(items);
  return out;
}

std::optional<Value> parse_json(std::string_view text) {
  return JsonReader{text}.read();
}

std::string toml_text(const Value& value) {
  switch (value.kind) {
    case Value::Kind::boolean:
      return value.truth ? "true" : "false";
    case Value::Kind::integer:
      return fmt::format("{}", value.number);
    case Value::Kind::text:
      return fmt::format("\"{}\"", value.text);
    case Value::Kind::list: {
      std::string out = "[";
      for (const Value& item : value.items) {
        if (out.size() > 1) out += ", ";
        out += toml_text(item);
      }
      return out + "]";
    }
    case Value::Kind::object:
      break;
  }
  std::string out = "{";
  for (const auto& [name, member] : value.members) {
    out += fmt::format("{}{} = {}", out.size() > 1 ? ", " : " ", name, toml_text(member));
  }
  return out + (value.members.empty() ? "}" : " }");
}

}  // namespace dpi::spec
