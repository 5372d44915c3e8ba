#include "probe/app/machine.h"

#include <unistd.h>

#include <array>
#include <fstream>

#include "probe/crypto/digest.h"
#include "probe/envelope/canonical.h"

namespace dpi {

Uuid machine_id_of(std::string_view secret) {
  return uuid_v8(sha256({as_bytes("ransomeye.machine/1\n"), as_bytes(secret)}));
}

Result<Machine> this_machine() {
  std::ifstream file("/etc/machine-id");
  std::string id;
  if (!(file >> id) || id.size() != 32) {
    return fail(Errc::usage,
                "/etc/machine-id: unreadable or not 32 hexadecimal digits; create it with "
                "`systemd-machine-id-setup`");
  }
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0 || host[0] == '\0')
    host = {'u', 'n', 'k', 'n', 'o', 'w', 'n'};
  std::string name;
  append_pct(name, as_bytes(std::string_view{host.data()}), 255);
  return Machine{machine_id_of(id), name};
}

}  // namespace dpi
