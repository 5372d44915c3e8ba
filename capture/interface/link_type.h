// What kind of frames an interface gives.
#pragma once

#include <cstdint>
#include <optional>

#include "probe/base/packet.h"

namespace dpi {

// LINKTYPE_ of what a packet socket delivers from an interface of this ARPHRD_ type; nothing when
// its frames cannot be dissected.
[[nodiscard]] std::optional<LinkType> link_type_of(std::uint16_t hardware) noexcept;

}  // namespace dpi
