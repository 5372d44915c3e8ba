#include "probe/envelope/key_rotation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "probe/envelope/json_tree.h"

namespace dpi {
namespace {

tl::unexpected<Error> broken(std::string what) {
  return fail(Errc::verification, std::move(what));
}

std::string possession_claim(const Uuid& instance, const Digest& key_id) {
  return fmt::format("ransomeye.key-possession/1\n{}\n{}\n", uuid_text(instance), hex(key_id));
}

// The members of the whole object that are strings; what lies deeper says nothing of the chain.
class StringMembers {
 public:
  explicit StringMembers(std::string_view payload) {
    if (!tree_.read(payload)) return;
    const JsonNode& whole = tree_.node(JsonTree::root);
    count_ = whole.count;
    for (std::uint32_t at = 1; at < whole.next; at = tree_.node(at).next) {
      const JsonNode& member = tree_.node(at);
      if (member.kind == JsonKind::string) members_.emplace_back(member.name, member.text);
    }
  }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] std::string_view operator[](std::string_view name) const {
    const auto found = std::ranges::find(members_, name, &Member::first);
    return found == members_.end() ? std::string_view{} : found->second;
  }

 private:
  using Member = std::pair<std::string_view, std::string_view>;
  JsonTree tree_;
  std::size_t count_ = 0;
  std::vector<Member> members_;
};

std::optional<PublicKey> announced_in(const StringMembers& members, std::string_view id_member,
                                      std::string_view spki_member) {
  const auto der = parse_base64(members[spki_member]);
  const auto key = der ? PublicKey::from_spki(*der) : std::nullopt;
  if (!key || hex(key->key_id()) != members[id_member]) return std::nullopt;
  return key;
}

}  // namespace

Signature sign_possession(const Uuid& instance, const SigningKey& next) {
  return next.sign(as_bytes(possession_claim(instance, next.public_key().key_id())));
}

Result<KeyRotation> read_key_rotation(std::string_view payload, const Uuid& instance) {
  const StringMembers members(payload);
  constexpr std::array names{"new_key_alg", "new_key_id",     "new_key_spki",
                             "old_key_id",  "possession_sig", "reason"};
  const bool whole = members.count() == names.size() &&
                     std::ranges::none_of(names, [&](auto name) { return members[name].empty(); });
  if (!whole) return broken("key.rotate has not the members of its contract");
  const auto next = announced_in(members, "new_key_id", "new_key_spki");
  const auto old = parse_digest(members["old_key_id"]);
  if (members["new_key_alg"] != "ed25519" || !next || !old)
    return broken("the key that key.rotate announces is unreadable");
  const auto blob = parse_base64(members["possession_sig"]);
  Signature signature{};
  if (!blob || blob->size() != signature.size())
    return broken("key.rotate lacks the new key's possession signature");
  std::ranges::copy(*blob, signature.begin());
  if (!next->verify(as_bytes(possession_claim(instance, next->key_id())), signature))
    return broken("the new key did not sign its possession");
  return KeyRotation{*old, *next, std::string{members["reason"]}};
}

std::optional<PublicKey> read_first_key(std::string_view payload) {
  return announced_in(StringMembers(payload), "key_id", "key_spki");
}

}  // namespace dpi
