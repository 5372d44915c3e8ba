// A checkpoint that parses has exactly the form of a signed note: its parts give its bytes again.
#include <cstddef>
#include <cstdint>
#include <string>

#include "probe/base/bytes.h"
#include "probe/base/check.h"
#include "probe/base/hex.h"
#include "probe/envelope/checkpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = dpi::as_text({data, size});
  const auto checkpoint = dpi::parse_checkpoint(text);
  if (!checkpoint) return 0;
  std::string again = checkpoint->body + "\n";
  for (const dpi::NoteSignature& s : checkpoint->signatures) {
    dpi::ByteBuffer bytes(s.key_hint.begin(), s.key_hint.end());
    bytes.insert(bytes.end(), s.signature.begin(), s.signature.end());
    again += "\xe2\x80\x94 " + s.name + " " + dpi::base64(bytes) + "\n";
  }
  DPI_CHECK(again == text);
  return 0;
}
