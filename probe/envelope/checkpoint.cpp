#include "probe/envelope/checkpoint.h"

#include <algorithm>

#include "probe/base/check.h"
#include "probe/crypto/digest.h"
#include "probe/envelope/canonical.h"
#include "probe/envelope/note_text.h"

namespace dpi {
namespace {

constexpr std::string_view dash = "\xe2\x80\x94 ";  // U+2014 and a space begin a signature line
constexpr std::uint8_t ed25519_type = 0x01;

std::array<std::uint8_t, 4> key_hint(std::string_view name, const PublicKey& key) {
  constexpr std::array<std::uint8_t, 2> separator{'\n', ed25519_type};
  const Digest digest = sha256({as_bytes(name), separator, key.raw()});
  return {digest[0], digest[1], digest[2], digest[3]};
}

std::optional<NoteSignature> parse_signature(std::string_view line) {
  if (!line.starts_with(dash)) return std::nullopt;
  line.remove_prefix(dash.size());
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || space == 0) return std::nullopt;
  const auto blob = parse_base64(line.substr(space + 1));
  if (!blob || blob->size() < 5) return std::nullopt;
  NoteSignature out;
  out.name = line.substr(0, space);
  std::copy_n(blob->begin(), 4, out.key_hint.begin());
  out.signature.assign(blob->begin() + 4, blob->end());
  return out;
}

std::string signature_line(const std::string& origin, std::string_view body,
                           const SigningKey& key) {
  const Signature signature = key.sign(as_bytes(body));
  const auto hint = key_hint(origin, key.public_key());
  ByteBuffer blob(hint.begin(), hint.end());
  blob.insert(blob.end(), signature.begin(), signature.end());
  return std::string{dash} + origin + " " + base64(blob) + "\n";
}

}  // namespace

std::string checkpoint_origin(const Uuid& instance, std::string_view component) {
  const std::string_view name = component == "dpi_probe" ? "dpi" : component;
  return "ransomeye." + std::string{name} + "/" + uuid_text(instance);
}

std::string sign_checkpoint(const Uuid& instance, std::uint64_t tree_size, const Digest& root,
                            const SigningKey& key, std::string_view component) {
  const std::string origin = checkpoint_origin(instance, component);
  const std::string body = origin + "\n" + std::to_string(tree_size) + "\n" + base64(root) + "\n";
  return body + "\n" + signature_line(origin, body, key);
}

std::string cosign_checkpoint(std::string note, const SigningKey& key) {
  const std::size_t body_bytes = note.find("\n\n") + 1;
  DPI_CHECK(body_bytes > 1);
  note += signature_line(note.substr(0, note.find('\n')), note.substr(0, body_bytes), key);
  return note;
}

std::optional<Checkpoint> parse_checkpoint(std::string_view note) {
  constexpr std::size_t note_bytes_max = 4096;
  constexpr std::size_t signatures_max = 16;
  if (note.size() > note_bytes_max) return std::nullopt;
  std::string_view rest = note;
  const auto origin = take_line(rest);
  const auto size = take_line(rest);
  const auto root = take_line(rest);
  if (!origin || !size || !root || !is_canonical_text(*origin)) return std::nullopt;
  Checkpoint out;
  out.origin = *origin;
  out.body = note.substr(0, note.size() - rest.size());
  const auto number = parse_decimal(*size);
  if (!number) return std::nullopt;
  out.tree_size = *number;
  const auto digest = parse_base64(*root);
  if (!digest || digest->size() != out.root.size()) return std::nullopt;
  std::copy(digest->begin(), digest->end(), out.root.begin());
  const auto blank = take_line(rest);
  if (!blank || !blank->empty()) return std::nullopt;
  while (!rest.empty()) {
    const auto line = take_line(rest);
    const auto signature = line ? parse_signature(*line) : std::nullopt;
    if (!signature || out.signatures.size() == signatures_max) return std::nullopt;
    out.signatures.push_back(*signature);
  }
  if (out.signatures.empty()) return std::nullopt;
  return out;
}

bool signed_by(const Checkpoint& checkpoint, const PublicKey& key) {
  const auto hint = key_hint(checkpoint.origin, key);
  return std::any_of(checkpoint.signatures.begin(), checkpoint.signatures.end(),
                     [&](const NoteSignature& s) {
                       Signature signature{};
                       if (s.name != checkpoint.origin || s.key_hint != hint ||
                           s.signature.size() != signature.size())
                         return false;
                       std::copy(s.signature.begin(), s.signature.end(), signature.begin());
                       return key.verify(as_bytes(checkpoint.body), signature);
                     });
}

bool names_signer(const Checkpoint& checkpoint, const PublicKey& key) {
  const auto hint = key_hint(checkpoint.origin, key);
  return std::ranges::any_of(checkpoint.signatures, [&](const NoteSignature& s) {
    return s.name == checkpoint.origin && s.key_hint == hint;
  });
}

}  // namespace dpi
