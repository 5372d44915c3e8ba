// What is_canonical_json accepts, another parser reads and writes back to the very same bytes.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "probe/base/bytes.h"
#include "probe/base/check.h"
#include "probe/envelope/canonical.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = dpi::as_text({data, size});
  if (!dpi::is_canonical_json(text)) return 0;
  const auto value = nlohmann::json::parse(text, nullptr, false);
  DPI_CHECK(!value.is_discarded());
  DPI_CHECK(value.dump() == text);
  return 0;
}
