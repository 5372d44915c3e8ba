// A key.rotate that is read has exactly the form that is written, and no key but the one that
// signed its possession for that chain.
#include <cstddef>
#include <cstdint>
#include <string>

#include "probe/base/bytes.h"
#include "probe/base/check.h"
#include "probe/envelope/canonical_writer.h"
#include "probe/envelope/key_rotation.h"

namespace {

// The seed's, of the contract's vectors.
constexpr std::string_view instance_text = "0192f0c1-7a00-8000-8000-00000000a001";
constexpr std::string_view key_id_text =
    "deb2ded39dc26fce0e6085b6fc34bf6b5941913bbfe2ea614113cff9e004c170";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const dpi::Uuid instance = *dpi::parse_uuid(instance_text);
  const std::string_view text = dpi::as_text({data, size});
  const auto rotation = dpi::read_key_rotation(text, instance);
  if (!rotation) return 0;
  DPI_CHECK(dpi::hex(rotation->next.key_id()) == key_id_text);
  // Ed25519 signatures have one form each: what verifies is what the key's holder wrote.
  const std::size_t at = text.find("\"possession_sig\":\"");
  std::string again;
  dpi::CanonicalWriter w(again);
  w.begin_object();
  w.member("new_key_alg", "ed25519");
  w.member_hex("new_key_id", rotation->next.key_id());
  w.member("new_key_spki", dpi::base64(rotation->next.spki()));
  w.member_hex("old_key_id", rotation->old_key_id);
  w.member("possession_sig", text.substr(at + 18, 88));
  w.member("reason", rotation->reason);
  w.end_object();
  DPI_CHECK(again == text);
  return 0;
}
