// `ransomeye-dpi interfaces`: what can be captured here, and how. Needs no privilege.
#pragma once

namespace dpi {

struct InterfacesOptions {
  bool json = false;
};

[[nodiscard]] int run_interfaces(const InterfacesOptions& options);

}  // namespace dpi
