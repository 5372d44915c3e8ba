// A small chain whose key is rotated twice, for tests that then alter it.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "probe/envelope/checkpoint.h"
#include "probe/envelope/key_rotation.h"
#include "tests/support/honest_chain.h"

namespace dpi {

inline std::string rotate_payload(const Uuid& instance, const SigningKey& old,
                                  const SigningKey& next) {
  std::string out;
  CanonicalWriter w(out);
  w.begin_object();
  w.member("new_key_alg", "ed25519");
  w.member_hex("new_key_id", next.public_key().key_id());
  w.member("new_key_spki", base64(next.public_key().spki()));
  w.member_hex("old_key_id", old.public_key().key_id());
  w.member("possession_sig", base64(sign_possession(instance, next)));
  w.member("reason", "scheduled");
  w.end_object();
  return out;
}

// The same tree head, signed by those keys.
inline std::string signed_again(const std::string& note, std::initializer_list<std::uint8_t> keys) {
  const auto parsed = parse_checkpoint(note);
  const auto instance = parse_uuid(parsed->origin.substr(parsed->origin.find('/') + 1));
  std::string out;
  for (const std::uint8_t key : keys) {
    out = out.empty() ? sign_checkpoint(*instance, parsed->tree_size, parsed->root, chain_key(key))
                      : cosign_checkpoint(out, chain_key(key));
  }
  return out;
}

// Builds a chain line by line under keys chain_key(1), (2) …
class RotatingChain {
 public:
  RotatingChain() : sealer_(identity(), chain_key(1)) {
    event("chain.start", start_payload(chain_key(1).public_key()));
  }
  void event(std::string_view type, const std::string& payload) {
    const SealTime time{.emitted_at = timestamp(1), .mono_us = sealer_.next_seq()};
    const std::string_view envelope = sealer_.seal(
        {.type = type, .version = 1, .observed_at = timestamp(1), .payload = payload}, time);
    lines.push_back({.envelope = std::string{envelope}, .payload = payload, .note = {}});
  }
  void flow() { event("dpi.flow", "{\"n\":" + std::to_string(sealer_.next_seq()) + "}"); }
  void checkpoint() {
    lines.push_back({.envelope = {}, .payload = {}, .note = sealer_.checkpoint()});
  }
  // Without a checkpoint.
  void rotate(std::uint8_t from, std::uint8_t to) {
    const std::string payload =
        rotate_payload(sealer_.identity().instance, chain_key(from), chain_key(to));
    sealer_.rotate_key(chain_key(to));
    event("key.rotate", payload);
  }
  static Identity identity() {
    Identity out{.hostname = "h", .version = "1", .mode = Mode::live};
    out.instance[15] = 7;
    return out;
  }

  std::vector<ChainLine> lines;

 private:
  Sealer sealer_;
};

// Where things stand in the lines of rotating_chain().
namespace rotated {
inline constexpr std::size_t note_1 = 4;        // over 4 events, by key 1
inline constexpr std::size_t rotation_12 = 5;   // sequence 4
inline constexpr std::size_t note_12 = 6;       // over 5 events, by keys 1 and 2
inline constexpr std::size_t note_2 = 9;        // over 7 events, by key 2
inline constexpr std::size_t rotation_23 = 10;  // sequence 7
inline constexpr std::size_t note_23 = 11;      // over 8 events, by keys 2 and 3
inline constexpr std::size_t note_3 = 13;       // over 9 events, by key 3
}  // namespace rotated

inline std::vector<ChainLine> rotating_chain() {
  RotatingChain chain;
  for (int i = 0; i < 3; ++i) chain.flow();
  chain.checkpoint();
  chain.rotate(1, 2);
  chain.checkpoint();
  chain.flow();
  chain.flow();
  chain.checkpoint();
  chain.rotate(2, 3);
  chain.checkpoint();
  chain.flow();
  chain.checkpoint();
  return chain.lines;
}

}  // namespace dpi
