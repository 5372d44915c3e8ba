// A canonical JSON object as a flat list of nodes that view its text. One is used for many texts:
// nothing is allocated once it has grown. Canonical strings need no unescaping.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace dpi {

enum class JsonKind : std::uint8_t { object, array, string, number, boolean, null };

struct JsonNode {
  JsonKind kind = JsonKind::null;
  std::uint32_t next = 0;      // index of the node behind this one and all that is in it
  std::uint32_t count = 0;     // members or elements
  std::string_view name = {};  // of a member
  // As it stands in the whole text, but a string without its quotation marks.
  std::string_view text = {};
};

class JsonTree {
 public:
  // False when the text is no JSON object in canonical form.
  [[nodiscard]] bool read(std::string_view text);
  // The whole object first; what is in a node stands directly behind it.
  [[nodiscard]] const JsonNode& node(std::uint32_t index) const { return nodes_[index]; }
  static constexpr std::uint32_t root = 0;

 private:
  [[nodiscard]] bool value(std::string_view& rest, std::string_view name);
  [[nodiscard]] bool list(std::string_view& rest, std::uint32_t self);

  std::vector<JsonNode> nodes_;
};

}  // namespace dpi
