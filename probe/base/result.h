// What every operation that can fail for an expected reason returns (file, socket, database,
// configuration). Broken invariants are DPI_CHECK (check.h); malformed packets are anomalies, never
// errors.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace dpi {

// The class decides the exit code (docs/operations.md); the text names what was touched, what was
// expected and what the user can do.
enum class Errc {
  failure,       // unexpected: exit 1
  usage,         // command line or configuration: exit 2
  input,         // capture unreadable: exit 3
  sink,          // output or database failed, sealed data is kept: exit 4
  verification,  // a chain is not what it claims: exit 5
};

struct Error {
  Errc code = Errc::failure;
  std::string what;
};

template <class T>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(Errc code, std::string what) {
  return tl::unexpected<Error>(Error{code, std::move(what)});
}

}  // namespace dpi
