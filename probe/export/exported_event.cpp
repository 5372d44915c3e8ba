#include "probe/export/exported_event.h"

#include <fmt/format.h>

#include <charconv>

#include "probe/base/hex.h"
#include "probe/envelope/envelope.h"

namespace dpi {

tl::unexpected<Error> unreadable_event(std::uint64_t seq) {
  return fail(Errc::sink, fmt::format("event {}: is not canonical JSON; it was not written", seq));
}

const JsonNode* member_of(const JsonTree& tree, std::uint32_t parent, std::string_view name) {
  for (std::uint32_t i = parent + 1; i < tree.node(parent).next; i = tree.node(i).next)
    if (tree.node(i).name == name) return &tree.node(i);
  return nullptr;
}

std::string_view text_of(const JsonTree& tree, std::uint32_t parent, std::string_view name,
                         JsonKind kind) {
  const JsonNode* const node = member_of(tree, parent, name);
  return node == nullptr || node->kind != kind ? std::string_view{} : node->text;
}

bool ExportedEvent::read(std::uint64_t seq, std::string_view envelope, std::string_view payload) {
  seq_ = seq;
  sha256_.clear();
  append_hex(sha256_, envelope_hash(envelope));
  return envelope_.read(envelope) && payload_.read(payload);
}

std::string_view ExportedEvent::said(std::string_view name) const {
  return text_of(envelope_, JsonTree::root, name);
}

std::string_view ExportedEvent::identity(std::string_view name) const {
  for (std::uint32_t i = 1; i < envelope_.node(JsonTree::root).next; i = envelope_.node(i).next) {
    if (envelope_.node(i).name != "identity") continue;
    return text_of(envelope_, i, name);
  }
  return {};
}

const JsonNode* ExportedEvent::member(std::string_view name) const {
  return member_of(payload_, JsonTree::root, name);
}

std::string_view ExportedEvent::text(std::string_view name) const {
  const JsonNode* const node = member(name);
  const bool scalar =
      node != nullptr && node->kind != JsonKind::object && node->kind != JsonKind::array;
  return scalar ? node->text : std::string_view{};
}

std::uint64_t ExportedEvent::number(std::string_view name) const {
  const std::string_view digits = text(name);
  std::uint64_t out = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), out);
  return out;
}

}  // namespace dpi
