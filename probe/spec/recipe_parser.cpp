// TOML → Recipe. The only user of toml++ here; what it throws ends in this file.
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <limits>

#include "probe/base/hex.h"
#include "probe/base/time.h"
#include "probe/spec/recipe.h"

namespace dpi::spec {
namespace {

using Text = std::string_view;

// toml++ throws; nothing of it leaves this function.
Result<toml::table> parse_toml(std::string_view text, const std::string& file) {
  try {
    return toml::parse(text, file);
  } catch (const toml::parse_error& e) {
    return wrong({file, e.source().begin.line, e.source().begin.column},
                 std::string{e.description()});
  }
}

class RecipeReader {
 public:
  RecipeReader(const toml::table& document, const std::string& file)
      : document_(document), file_(file) {
    recipe_.file = file;
  }

  Result<Recipe> read() {
    constexpr std::array<Text, 12> keys{"title", "shows", "rfc",  "covers",  "config", "filter",
                                        "start", "names", "file", "packets", "expect", "note"};
    if (auto known = only(document_, keys, "the recipe"); !known)
      return tl::unexpected(known.error());
    for (const auto step : {&RecipeReader::head, &RecipeReader::config, &RecipeReader::capture,
                            &RecipeReader::packets, &RecipeReader::expect}) {
      if (auto done = (this->*step)(); !done) return tl::unexpected(done.error());
    }
    return std::move(recipe_);
  }

 private:
  [[nodiscard]] Place place(const toml::node& node) const {
    const toml::source_position at = node.source().begin;
    return {file_, at.line, at.column};
  }
  [[nodiscard]] Place top() const { return {file_, 1, 1}; }

  template <std::size_t n>
  Result<void> only(const toml::table& table, const std::array<Text, n>& keys, Text what) const {
    for (const auto& [key, node] : table) {
      if (std::find(keys.begin(), keys.end(), key.str()) != keys.end()) continue;
      std::string known;
      for (const Text k : keys) known += fmt::format(" {}", k);
      return wrong(place(node),
                   fmt::format("unknown key {} of {}; known are{}", key.str(), what, known));
    }
    return {};
  }
  Result<void> text(const toml::table& table, Text key, bool required, std::string& out) const {
    const toml::node* const node = table.get(key);
    if (node == nullptr) {
      if (required) return wrong(top(), fmt::format("{} = \"…\" is missing", key));
      return {};
    }
    const auto value = node->value_exact<std::string>();
    if (!value || (required && value->empty()))
      return wrong(place(*node), fmt::format("{} must be a text", key));
    out = *value;
    return {};
  }
  Result<void> number(const toml::table& table, Text key, std::int64_t min, std::int64_t max,
                      std::optional<std::int64_t>& out) const {
    const toml::node* const node = table.get(key);
    if (node == nullptr) return {};
    const auto value = node->value_exact<std::int64_t>();
    if (!value || *value < min || *value > max) {
      return wrong(place(*node),
                   fmt::format("{} must be a whole number from {} to {}", key, min, max));
    }
    out = *value;
    return {};
  }
  Result<void> bytes(const toml::node& node, Text text, Text key, ByteBuffer& out) const {
    auto value = parse_hex(text);
    if (!value)
      return wrong(place(node),
                   fmt::format("{} must be pairs of lower-case hexadecimal digits", key));
    out = std::move(*value);
    return {};
  }
  // Any TOML value but dates and fractions.
  Result<Value> value(const toml::node& node, int depth = 0) const {
    constexpr int depth_max = 8;
    Value out;
    if (const auto* const table = node.as_table(); table != nullptr && depth < depth_max) {
      for (const auto& [key, member] : *table) {
        auto v = value(member, depth + 1);
        if (!v) return v;
        out.members.push_back({std::string{key.str()}, std::move(*v)});
      }
    } else if (const auto* const list = node.as_array(); list != nullptr && depth < depth_max) {
      out = Value::list_of({});
      for (const toml::node& item : *list) {
        auto v = value(item, depth + 1);
        if (!v) return v;
        out.items.push_back(std::move(*v));
      }
    } else if (const auto integer = node.value_exact<std::int64_t>()) {
      out = Value::of(*integer);
    } else if (const auto truth = node.value_exact<bool>()) {
      out.kind = Value::Kind::boolean;
      out.truth = *truth;
    } else if (const auto string = node.value_exact<std::string>()) {
      out = Value::of(*string);
    } else {
      return wrong(place(node), "must be a text, a whole number, true, false, a list or a table");
    }
    out.line = node.source().begin.line;
    return out;
  }
  Result<void> texts(const toml::table& table, Text key, std::vector<Value>& out) const {
    const toml::node* const node = table.get(key);
    if (node == nullptr) return {};
    auto list = value(*node);
    if (!list) return tl::unexpected(list.error());
    const bool ok = list->kind == Value::Kind::list &&
                    std::all_of(list->items.begin(), list->items.end(),
                                [](const Value& item) { return item.kind == Value::Kind::text; });
    if (!ok) return wrong(place(*node), fmt::format("{} must be a list of texts", key));
    out = std::move(list->items);
    return {};
  }
  // The table, an empty one when it is not there.
  Result<const toml::table*> table(const toml::table& in, Text key) const {
    static const toml::table empty;
    const toml::node* const node = in.get(key);
    if (node == nullptr) return &empty;
    if (!node->is_table())
      return wrong(place(*node), fmt::format("{0} must be a table, [{0}]", key));
    return node->as_table();
  }

  Result<void> head() {
    for (const auto& [key, required, member] : {std::tuple{Text{"title"}, true, &Recipe::title},
                                                {Text{"shows"}, true, &Recipe::shows},
                                                {Text{"rfc"}, false, &Recipe::rfc},
                                                {Text{"filter"}, false, &Recipe::filter}}) {
      if (auto read = text(document_, key, required, recipe_.*member); !read) return read;
    }
    std::string start;
    if (auto read = text(document_, "start", false, start); !read) return read;
    if (!start.empty()) {
      const auto time = parse_time(start);
      if (!time) {
        return wrong(place(*document_.get("start")),
                     "start must be YYYY-MM-DDThh:mm:ss.nnnnnnnnnZ");
      }
      recipe_.start_ns = nanoseconds(*time);
    }
    return texts(document_, "covers", recipe_.covers);
  }

  // [config] section.key = value, or a table per section: as --set would take it.
  Result<void> config() {
    const auto settings = table(document_, "config");
    if (!settings) return tl::unexpected(settings.error());
    for (const auto& [section, node] : **settings) {
      const toml::table* const keys = node.as_table();
      if (keys == nullptr) {
        return wrong(place(node), "config must be written as section.key = value");
      }
      for (const auto& [key, member] : *keys) {
        auto v = value(member);
        if (!v) return tl::unexpected(v.error());
        recipe_.settings.push_back(
            fmt::format("{}.{}={}", section.str(), key.str(), toml_text(*v)));
      }
    }
    return {};
  }

  Result<void> capture() {
    const auto found = table(document_, "file");
    if (!found) return tl::unexpected(found.error());
    const toml::table& in = **found;
    constexpr std::array<Text, 10> keys{"format", "order", "compress", "link",   "snap",
                                        "major",  "minor", "patch",    "append", "keep"};
    if (auto known = only(in, keys, "[file]"); !known) return known;
    FileText& f = recipe_.capture;
    std::string order = "little";
    if (auto read =
            choice(in, "format", "pcap pcap-ns pcap-modified pcap-lcap pcapng snoop", f.format);
        !read)
      return read;
    if (auto read = choice(in, "order", "little big", order); !read) return read;
    if (auto read = choice(in, "compress", "gzip zstd", f.compress); !read) return read;
    f.big_endian = order == "big";
    constexpr std::int64_t u32_max = std::numeric_limits<std::uint32_t>::max();
    std::optional<std::int64_t> link, snap, major, minor;
    for (const auto& [key, max, member] : {std::tuple{Text{"link"}, u32_max, &link},
                                           {Text{"snap"}, u32_max, &snap},
                                           {Text{"major"}, std::int64_t{65'535}, &major},
                                           {Text{"minor"}, std::int64_t{65'535}, &minor}}) {
      if (auto read = number(in, key, 0, max, *member); !read) return read;
    }
    if (link) f.link = static_cast<std::uint32_t>(*link);
    if (snap) f.snap = static_cast<std::uint32_t>(*snap);
    if (major) f.major = static_cast<std::uint32_t>(*major);
    if (minor) f.minor = static_cast<std::uint32_t>(*minor);
    if (auto read = number(in, "keep", -(1 << 24), 1 << 24, f.keep); !read) return read;
    return faults(in);
  }
  Result<void> choice(const toml::table& in, Text key, Text choices, std::string& out) const {
    if (auto read = text(in, key, false, out); !read) return read;
    const toml::node* const node = in.get(key);
    const std::string padded = fmt::format(" {} ", choices);
    if (node != nullptr && padded.find(fmt::format(" {} ", out)) == std::string::npos)
      return wrong(place(*node), fmt::format("{} must be one of: {}", key, choices));
    return {};
  }
  Result<void> faults(const toml::table& in) {
    std::string append;
    if (auto read = text(in, "append", false, append); !read) return read;
    if (!append.empty()) {
      auto read = bytes(*in.get("append"), append, "append", recipe_.capture.append);
      if (!read) return read;
    }
    std::vector<Value> patches;
    if (auto read = texts(in, "patch", patches); !read) return read;
    for (const Value& patch : patches) {
      const std::size_t colon = patch.text.find(':');
      const auto offset = parse_number(Text{patch.text}.substr(0, colon));
      if (colon == std::string::npos || !offset)
        return wrong(place(*in.get("patch")), "patch must be a list of \"OFFSET:HEX\"");
      ByteBuffer put;
      auto read = bytes(*in.get("patch"), Text{patch.text}.substr(colon + 1), "patch", put);
      if (!read) return read;
      recipe_.capture.patches.emplace_back(*offset, std::move(put));
    }
    return {};
  }

  Result<void> packets() {
    const auto found = table(document_, "names");
    if (!found) return tl::unexpected(found.error());
    std::vector<std::pair<std::string, std::string>> names;
    for (const auto& [key, node] : **found) {
      const auto name = node.value_exact<std::string>();
      if (!name) return wrong(place(node), "a name must stand for a text");
      names.emplace_back(std::string{key.str()}, *name);
    }
    const toml::node* const node = document_.get("packets");
    if (node == nullptr) return wrong(top(), "packets = ''' … ''' is missing");
    const auto lines = node->value_exact<std::string>();
    if (!lines) return wrong(place(*node), "packets must be a text of one line per packet");
    Place first = place(*node);
    // A text over several lines begins on the line behind its quotes.
    if (node->source().end.line > first.line) ++first.line;
    auto read = parse_packets(*lines, first, names);
    if (!read) return tl::unexpected(read.error());
    recipe_.packets = std::move(*read);
    return {};
  }

  Result<void> expect() {
    const auto found = table(document_, "expect");
    if (!found) return tl::unexpected(found.error());
    if (document_.get("expect") == nullptr) return wrong(top(), "[expect] is missing");
    const toml::table& in = **found;
    constexpr std::array<Text, 7> keys{"exit", "says", "anomalies", "heartbeat",
                                       "flow", "dns",  "events"};
    if (auto known = only(in, keys, "[expect]"); !known) return known;
    Expectation& e = recipe_.expect;
    std::optional<std::int64_t> exit;
    if (auto read = number(in, "exit", 0, 5, exit); !read) return read;
    e.exit = static_cast<int>(exit.value_or(0));
    if (const toml::node* const events = in.get("events")) e.events = events->value_or(true);
    if (auto read = texts(in, "says", e.says); !read) return read;
    for (const auto& [key, member] :
         {std::pair{Text{"anomalies"}, &e.anomalies}, {Text{"heartbeat"}, &e.heartbeat}}) {
      const auto node = table(in, key);
      if (!node) return tl::unexpected(node.error());
      auto v = value(**node);
      if (!v) return tl::unexpected(v.error());
      *member = std::move(*v);
    }
    if (auto read = rows(in, "flow", e.flows); !read) return read;
    return rows(in, "dns", e.dns);
  }
  Result<void> rows(const toml::table& in, Text key, std::vector<Value>& out) const {
    const toml::node* const node = in.get(key);
    if (node == nullptr) return {};
    auto list = value(*node);
    if (!list) return tl::unexpected(list.error());
    const bool ok = list->kind == Value::Kind::list &&
                    std::all_of(list->items.begin(), list->items.end(),
                                [](const Value& item) { return item.kind == Value::Kind::object; });
    if (!ok) return wrong(place(*node), fmt::format("write rows as [[expect.{}]]", key));
    out = std::move(list->items);
    return {};
  }

  const toml::table& document_;
  const std::string& file_;
  Recipe recipe_;
};

}  // namespace

Result<Recipe> parse_recipe(std::string_view text, const std::string& file) {
  const auto document = parse_toml(text, file);
  if (!document) return tl::unexpected(document.error());
  return RecipeReader{*document, file}.read();
}

}  // namespace dpi::spec
