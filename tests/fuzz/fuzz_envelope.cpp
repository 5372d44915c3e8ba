// Only the exact bytes that append_envelope writes are an envelope.
#include <cstddef>
#include <cstdint>
#include <string>

#include "probe/base/bytes.h"
#include "probe/base/check.h"
#include "probe/envelope/canonical.h"
#include "probe/envelope/envelope.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = dpi::as_text({data, size});
  const auto envelope = dpi::parse_envelope(text);
  if (!envelope) return 0;
  std::string again;
  dpi::append_envelope(again, *envelope);
  DPI_CHECK(again == text && dpi::is_canonical_json(text));
  DPI_CHECK(text.size() <= dpi::envelope_bytes_max);
  return 0;
}
