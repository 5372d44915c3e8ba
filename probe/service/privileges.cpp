#include "probe/service/privileges.h"

#include <cap-ng.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace dpi {
namespace {

// The bounding set can only be emptied by who may set capabilities; without new privileges it
// bounds nothing that could still be gained.
Result<void> drop_capabilities() {
  const bool may_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) == 1;
  capng_clear(CAPNG_SELECT_ALL);
  const auto sets = may_bound ? CAPNG_SELECT_ALL : CAPNG_SELECT_CAPS;
  if (const int code = capng_apply(sets); code != 0)
    return fail(Errc::failure,
                "sandbox: capabilities were not dropped, capng_apply says " + std::to_string(code));
  // Emptying permitted and inheritable empties the ambient set (capabilities(7)).
  return {};
}

Result<void> forbid_new_privileges() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) return {};  // NOLINT(*-vararg)
  return fail(Errc::failure, std::string{"sandbox: no_new_privs: "} + std::strerror(errno));
}

// A core file would have the key in it, and so would the memory that a debugger of the same user
// reads (prctl(2), PR_SET_DUMPABLE).
Result<void> forbid_dumps() {
#if !defined(__SANITIZE_ADDRESS__)  // its leak check reads the process as a debugger does
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0 ||
      ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)  // NOLINT(*-vararg)
    return fail(Errc::failure, std::string{"sandbox: core dumps: "} + std::strerror(errno));
#endif
  return {};
}

}  // namespace

Result<void> drop_privileges() {
  if (auto dropped = drop_capabilities(); !dropped) return dropped;
  if (auto forbidden = forbid_new_privileges(); !forbidden) return forbidden;
  return forbid_dumps();
}

}  // namespace dpi
