// nDPI 4.2 keeps caches across flows (per module, keyed by addresses), so that a flow's label
// depends on which other flows the same module saw: replay would change with the number of workers.
// The release has no switch, but reads its caches through the dynamic linker, so these definitions
// in the executable take their place and every cache is always empty. tests/unit/classify proves
// that they are the ones called.
#include <cstdint>

struct ndpi_lru_cache;
struct cache;

extern "C" {

[[gnu::used, gnu::visibility("default")]] std::uint8_t ndpi_lru_find_cache(
    ndpi_lru_cache* /*cache*/, std::uint32_t /*key*/, std::uint16_t* /*value*/,
    std::uint8_t /*clean*/) {
  return 0;  // not found
}

[[gnu::used, gnu::visibility("default")]] std::uint8_t cache_contains(cache* /*cache*/,
                                                                      void* /*item*/,
                                                                      std::uint32_t /*size*/) {
  return 0;
}

// 1: there was no such item (libcache.h, CACHE_CONTAINS_FALSE).
[[gnu::used, gnu::visibility("default")]] int cache_remove(cache* /*cache*/, void* /*item*/,
                                                           std::uint32_t /*size*/) {
  return 1;
}
}
