#include "probe/envelope/json_tree.h"

#include <algorithm>

#include "probe/envelope/canonical.h"

namespace dpi {

bool JsonTree::read(std::string_view text) {
  nodes_.clear();
  if (!text.starts_with('{') || !is_canonical_json(text)) return false;
  return value(text, {}) && text.empty();
}

// The form is known to be canonical: only borders are looked for.
bool JsonTree::value(std::string_view& rest, std::string_view name) {
  const auto self = static_cast<std::uint32_t>(nodes_.size());
  nodes_.push_back({.name = name});
  const char first = rest.front();
  if (first == '{' || first == '[') {
    const std::string_view whole = rest;
    nodes_[self].kind = first == '{' ? JsonKind::object : JsonKind::array;
    if (!list(rest, self)) return false;
    nodes_[self].text = whole.substr(0, whole.size() - rest.size());
  } else if (first == '"') {
    const std::size_t end = rest.find('"', 1);
    nodes_[self].kind = JsonKind::string;
    nodes_[self].text = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
  } else {
    const std::size_t end = std::min(rest.find_first_of(",]}"), rest.size());
    nodes_[self].kind = first == 'n'                   ? JsonKind::null
                        : first == 't' || first == 'f' ? JsonKind::boolean
                                                       : JsonKind::number;
    nodes_[self].text = rest.substr(0, end);
    rest.remove_prefix(end);
  }
  nodes_[self].next = static_cast<std::uint32_t>(nodes_.size());
  return true;
}

bool JsonTree::list(std::string_view& rest, std::uint32_t self) {
  const bool object = rest.front() == '{';
  const char end = object ? '}' : ']';
  rest.remove_prefix(1);
  while (!rest.empty() && rest.front() != end) {
    if (rest.front() == ',') rest.remove_prefix(1);
    std::string_view name;
    if (object) {
      const std::size_t mark = rest.find('"', 1);
      name = rest.substr(1, mark - 1);
      rest.remove_prefix(mark + 2);  // and the colon
    }
    ++nodes_[self].count;
    if (rest.empty() || !value(rest, name)) return false;
  }
  if (rest.empty()) return false;
  rest.remove_prefix(1);
  return true;
}

}  // namespace dpi
