// A tree of what recipes expect and what events say, so that the two can be compared: the JSON of a
// payload and the TOML of an expectation both become one. Not on the packet path.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dpi::spec {

struct Member;

struct Value {
  enum class Kind : std::uint8_t { boolean, integer, text, list, object };

  Kind kind = Kind::object;
  bool truth = false;
  std::int64_t number = 0;
  std::string text;
  std::vector<Value> items;
  std::vector<Member> members;  // in the order of their source
  std::uint32_t line = 0;       // of a recipe; 0: not from one

  [[nodiscard]] const Value* find(std::string_view name) const noexcept;

  [[nodiscard]] static Value of(std::int64_t number);
  [[nodiscard]] static Value of(std::string text);
  [[nodiscard]] static Value list_of(std::vector<Value> items);
};

struct Member {
  std::string name;
  Value value;
};

// One JSON value as the probe writes it (integers, no escapes, at most 16 deep), with nothing
// behind it; anything else is nothing.
[[nodiscard]] std::optional<Value> parse_json(std::string_view text);

// As a recipe would write it: TOML, on one line.
[[nodiscard]] std::string toml_text(const Value& value);

}  // namespace dpi::spec
