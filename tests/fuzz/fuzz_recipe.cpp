// Any bytes as a recipe: refused with a place, or built, twice to the same bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "probe/base/check.h"
#include "probe/spec/capture_writer.h"
#include "probe/spec/recipe.h"

namespace {

// Packets in their ten thousands are slow, not wrong: a repetition of more than three digits.
bool repeats_often(std::string_view text) {
  constexpr std::string_view option = "repeat=";
  for (std::size_t at = 0; (at = text.find(option, at)) != std::string_view::npos;) {
    at = std::min(text.find_first_not_of('0', at + option.size()), text.size());
    const std::size_t end = std::min(text.find_first_not_of("0123456789", at), text.size());
    if (end - at > 3) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (repeats_often(dpi::as_text({data, size}))) return 0;
  const auto recipe = dpi::spec::parse_recipe(dpi::as_text({data, size}), "fuzz.toml");
  if (!recipe) {
    DPI_CHECK(recipe.error().what.starts_with("fuzz.toml:"));
    return 0;
  }
  if (recipe->packets.size() > 1000) return 0;  // repetitions: slow, not wrong
  const auto once = dpi::spec::build_capture(*recipe);
  const auto again = dpi::spec::build_capture(*recipe);
  DPI_CHECK(once.has_value() == again.has_value());
  DPI_CHECK(!once.has_value() || *once == *again);
  return 0;
}
