#include "tests/property/mutated_payload.h"

#include <array>
#include <vector>

#include "probe/envelope/canonical.h"
#include "probe/envelope/json_tree.h"

namespace dpi::test {
namespace {

constexpr std::array numbers{"0",
                             "1",
                             "-1",
                             "4",
                             "6",
                             "32",
                             "128",
                             "255",
                             "256",
                             "999",
                             "1000",
                             "4095",
                             "4096",
                             "32767",
                             "32768",
                             "65535",
                             "65536",
                             "2147483647",
                             "2147483648",
                             "4294967296",
                             "-9007199254740991",
                             "9007199254740991"};

// Enumerations, texts at the limits of the bundle, addresses and times that are some or nearly.
std::vector<std::string> make_texts() {
  std::vector<std::string> out{"",
                               "x",
                               "syn",
                               "udp",
                               "answered",
                               "nic",
                               "source",
                               "target",
                               "any",
                               "step",
                               "192.0.2.1",
                               "2001:db8::1",
                               "192.0.2.1/24",
                               "2026-01-01T00:00:00.000000000Z",
                               "1970-01-01T00:00:00.000000001Z",
                               "2026-01-01T00:00:00Z",
                               "with space",
                               "a.b",
                               "A.b",
                               "00000000-0000-8000-8000-000000000002",
                               "{00000000-0000-8000-8000-000000000002}",
                               "00000000000080008000-0000000000AB",
                               "abc",
                               "::ffff:192.0.2.1",
                               "192.0.2.1/32",
                               "2001:DB8::1",
                               "10.1",
                               std::string(64, 'A'),
                               "aa bb",
                               std::string(30, 'a') + " A",
                               "t",
                               "true"};
  for (const std::size_t size : {16U, 30U, 32U, 64U, 128U, 255U, 512U, 1024U, 2048U})
    for (const std::size_t more : {0U, 1U}) out.emplace_back(size + more, 'a');
  return out;
}

class Mutator {
 public:
  Mutator(const std::string& payload, std::mt19937_64& random)
      : payload_(payload), random_(random) {}

  std::string once() {
    if (!tree_.read(payload_)) return payload_;
    for (std::uint32_t i = 1; i < tree_.node(JsonTree::root).next; ++i) nodes_.push_back(i);
    if (nodes_.empty()) return payload_;
    const JsonNode& node = tree_.node(nodes_[below(nodes_.size())]);
    switch (below(5)) {
      case 0:
        return without(node);
      case 1:
        return doubled(node);
      case 2:
        return copied(node);
      default:
        return with(node, value_for(node));
    }
  }

 private:
  std::size_t below(std::size_t n) { return random_() % n; }

  // Where its value stands, quotation marks and all.
  struct Span {
    std::size_t begin;
    std::size_t size;
  };
  Span span(const JsonNode& node) const {
    const auto at = static_cast<std::size_t>(node.text.data() - payload_.data());
    if (node.kind == JsonKind::string) return {at - 1, node.text.size() + 2};
    return {at, node.text.size()};
  }
  std::string with(const JsonNode& node, const std::string& value) const {
    std::string out = payload_;
    const Span at = span(node);
    return out.replace(at.begin, at.size, value);
  }
  std::string value_for(const JsonNode& node) {
    static const std::vector<std::string> texts = make_texts();
    if (below(20) == 0) return std::array{"1", "true", "\"x\"", "null", "{}", "[]"}[below(6)];
    if (node.kind == JsonKind::number) return numbers[below(numbers.size())];
    if (node.kind == JsonKind::boolean) return node.text == "true" ? "false" : "true";
    if (node.kind == JsonKind::string) return '"' + texts[below(texts.size())] + '"';
    return node.kind == JsonKind::array ? "[]" : "{}";
  }
  std::string without(const JsonNode& node) const {
    Span at = span(node);
    if (!node.name.empty()) {
      const std::size_t name = node.name.size() + 3;  // with its quotation marks and the colon
      at = {at.begin - name, at.size + name};
    }
    std::string out = payload_;
    if (out[at.begin + at.size] == ',') {
      ++at.size;
    } else if (out[at.begin - 1] == ',') {
      --at.begin;
      ++at.size;
    }
    return out.erase(at.begin, at.size);
  }
  // Of an element; a member that is there twice is not canonical.
  std::string doubled(const JsonNode& node) const {
    const Span at = span(node);
    std::string out = payload_;
    return out.insert(at.begin, payload_.substr(at.begin, at.size) + ",");
  }
  std::string copied(const JsonNode& node) {
    const JsonNode& other = tree_.node(nodes_[below(nodes_.size())]);
    if (other.kind != node.kind) return with(node, value_for(node));
    const Span from = span(other);
    return with(node, payload_.substr(from.begin, from.size));
  }

  const std::string& payload_;
  std::mt19937_64& random_;
  JsonTree tree_;
  std::vector<std::uint32_t> nodes_;
};

}  // namespace

std::string mutated(const std::string& payload, std::mt19937_64& random) {
  for (int attempt = 0; attempt < 20; ++attempt) {
    std::string out = Mutator(payload, random).once();
    if (out != payload && out.size() <= 60'000 && is_canonical_json(out)) return out;
  }
  return payload;
}

}  // namespace dpi::test
