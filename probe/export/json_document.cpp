#include "probe/export/json_document.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "probe/export/json_text.h"

namespace dpi {
namespace {

// Of two paths that differ: the bytes of whole names, with their dots, that they begin with.
std::size_t shared_names(std::string_view a, std::string_view b) {
  const auto differs = std::ranges::mismatch(a, b);
  const std::string_view same = a.substr(0, static_cast<std::size_t>(differs.in1 - a.begin()));
  return same.rfind('.') + 1;  // npos + 1 is 0
}

void open_objects(std::string& out, std::string_view names) {
  for (std::size_t dot = names.find('.'); dot != std::string_view::npos; dot = names.find('.')) {
    (((out += '"') += names.substr(0, dot)) += "\":{");
    names.remove_prefix(dot + 1);
  }
  (((out += '"') += names) += "\":");
}

}  // namespace

std::string& JsonDocument::at(std::string_view path) {
  if (used_ == entries_.size()) entries_.emplace_back();
  Entry& entry = entries_[used_++];
  entry.path = path;
  entry.json.clear();
  return entry.json;
}

void JsonDocument::text(std::string_view path, std::string_view canonical) {
  ((at(path) += '"') += canonical) += '"';
}

void JsonDocument::bytes(std::string_view path, std::string_view raw) {
  append_json_string(at(path), raw);
}

void JsonDocument::number(std::string_view path, std::uint64_t value) {
  std::array<char, 20> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  at(path).append(text.data(), end);
}

void JsonDocument::write(std::string& out) {
  order_.resize(used_);
  for (std::uint32_t i = 0; i < used_; ++i) order_[i] = i;
  std::ranges::sort(order_, {},
                    [this](std::uint32_t i) -> std::string_view { return entries_[i].path; });
  out += '{';
  std::string_view before;
  for (const std::uint32_t i : order_) {
    const std::string_view path = entries_[i].path;
    const std::size_t shared = shared_names(path, before);
    if (!before.empty()) {
      out.append(static_cast<std::size_t>(std::ranges::count(before.substr(shared), '.')), '}');
      out += ',';
    }
    open_objects(out, path.substr(shared));
    out += entries_[i].json;
    before = path;
  }
  out.append(static_cast<std::size_t>(std::ranges::count(before, '.')), '}');
  out += '}';
}

}  // namespace dpi
