// DPI_CHECK states what we promised (arguments, invariants). It is on in release, names file and
// line and aborts: a probe that broke its own invariant must not go on sealing. Never reachable
// from packet bytes.
#pragma once

#include <cstdio>
#include <cstdlib>

#define DPI_CHECK(condition)                                                                 \
  do {                                                                                       \
    if (!(condition)) [[unlikely]] {                                                         \
      std::fprintf(stderr, "%s:%d: broken invariant: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                          \
    }                                                                                        \
  } while (false)
