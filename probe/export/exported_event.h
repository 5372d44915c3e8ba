// One sealed event as the formats read it: what its envelope says, the members of its payload, and
// what names it for ever, the hash that stands in the chain. Views the two texts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "probe/base/result.h"
#include "probe/envelope/json_tree.h"

namespace dpi {

class ExportedEvent {
 public:
  // False when one of the two is no canonical JSON object.
  [[nodiscard]] bool read(std::uint64_t seq, std::string_view envelope, std::string_view payload);

  [[nodiscard]] std::uint64_t seq() const noexcept { return seq_; }
  // Of the envelope: what the next one links to, and the leaf in the Merkle tree.
  [[nodiscard]] std::string_view sha256() const noexcept { return sha256_; }
  [[nodiscard]] std::string_view type() const { return said("event_type"); }
  // A member of the envelope that is a string.
  [[nodiscard]] std::string_view said(std::string_view name) const;
  // A member of its `identity`.
  [[nodiscard]] std::string_view identity(std::string_view name) const;

  [[nodiscard]] const JsonTree& payload() const noexcept { return payload_; }
  // A member of the payload; null when it is not there.
  [[nodiscard]] const JsonNode* member(std::string_view name) const;
  // The text of a scalar: of a string what is between the quotation marks. Empty when it is not
  // there, or a list or object.
  [[nodiscard]] std::string_view text(std::string_view name) const;
  [[nodiscard]] std::uint64_t number(std::string_view name) const;  // 0 when it is not there
  [[nodiscard]] bool truth(std::string_view name) const { return text(name) == "true"; }

 private:
  std::uint64_t seq_ = 0;
  std::string sha256_;
  JsonTree envelope_;
  JsonTree payload_;
};

// What was sealed is canonical; anything else here is damage between the two.
[[nodiscard]] tl::unexpected<Error> unreadable_event(std::uint64_t seq);

// Calls `each(node, index)` for the members or elements of the node at `parent`, in order.
template <class Each>
void for_each_in(const JsonTree& tree, std::uint32_t parent, Each each) {
  for (std::uint32_t i = parent + 1; i < tree.node(parent).next; i = tree.node(i).next)
    each(tree.node(i), i);
}

// The member of the object at `parent`; null when it is not there.
[[nodiscard]] const JsonNode* member_of(const JsonTree& tree, std::uint32_t parent,
                                        std::string_view name);
// Its text; empty when it is not there, or of another kind.
[[nodiscard]] std::string_view text_of(const JsonTree& tree, std::uint32_t parent,
                                       std::string_view name, JsonKind kind = JsonKind::string);

}  // namespace dpi
