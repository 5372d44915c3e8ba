// One JSON object of nested objects, made from values with dotted paths in any order. Used again
// for every record: what it holds is kept.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dpi {

class JsonDocument {
 public:
  void clear() noexcept { used_ = 0; }
  // Where the value of that path is to be appended, as JSON. Valid until the next call. No path may
  // be given twice, nor one that goes on below another's value.
  [[nodiscard]] std::string& at(std::string_view path);

  void json(std::string_view path, std::string_view value) { at(path) += value; }
  // A string that needs no escape.
  void text(std::string_view path, std::string_view canonical);
  // Any bytes.
  void bytes(std::string_view path, std::string_view raw);
  void number(std::string_view path, std::uint64_t value);
  void boolean(std::string_view path, bool value) { json(path, value ? "true" : "false"); }

  // One line, without its end. Members are sorted.
  void write(std::string& out);

 private:
  struct Entry {
    std::string path;
    std::string json;
  };
  std::vector<Entry> entries_;  // of which `used_` are in use
  std::size_t used_ = 0;
  std::vector<std::uint32_t> order_;
};

}  // namespace dpi
