// IP directly in IP: RFC 2003, RFC 2473, RFC 4213.
#include "dissectors/layers.h"

namespace dpi::layers {

Layer ipv4_in_ip(DecodeContext& context) noexcept {
  context.enter_tunnel(context.view.ip_version == 4 ? Encapsulation::ipip : Encapsulation::fourin6);
  return Layer::ipv4;
}

Layer ipv6_in_ip(DecodeContext& context) noexcept {
  context.enter_tunnel(context.view.ip_version == 4 ? Encapsulation::sixin4
                                                    : Encapsulation::sixin6);
  return Layer::ipv6;
}

}  // namespace dpi::layers
