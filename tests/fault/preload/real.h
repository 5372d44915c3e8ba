// The functions that the preload stands before.
#pragma once

#include <dlfcn.h>

namespace fault {

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace fault

// Calls the next function of that name.
#define FAULT_REAL(name)                                   \
  (*[] {                                                   \
    static auto* f = fault::real<decltype(::name)>(#name); \
    return f;                                              \
  }())
