// Any bytes as a recipe: refused with a place, or built, twice to the same bytes.
#include <cstddef>
#include <cstdint>

#include "probe/base/check.h"
#include "probe/spec/capture_writer.h"
#include "probe/spec/recipe.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto recipe = dpi::spec::parse_recipe(dpi::as_text({data, size}), "fuzz.toml");
  if (!recipe) {
    DPI_CHECK(recipe.error().what.starts_with("fuzz.toml:"));
    return 0;
  }
  const auto once = dpi::spec::build_capture(*recipe);
  const auto again = dpi::spec::build_capture(*recipe);
  DPI_CHECK(once.has_value() == again.has_value());
  DPI_CHECK(!once.has_value() || *once == *again);
  return 0;
}
