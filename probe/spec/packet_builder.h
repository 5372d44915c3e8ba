// A packet's layers → its bytes, from the innermost outwards: lengths, checksums and next-protocol
// fields follow from what is inside, unless the recipe says otherwise.
#pragma once

#include "probe/spec/header_builder.h"
#include "probe/spec/recipe.h"

namespace dpi::spec {

[[nodiscard]] Result<ByteBuffer> build_packet(const std::vector<LayerText>& layers,
                                              SequenceNumbers& sequence);

// LINKTYPE_ of a packet that begins with this layer; nothing when it has none.
[[nodiscard]] std::optional<std::uint32_t> link_type_of(const LayerText& layer) noexcept;

}  // namespace dpi::spec
