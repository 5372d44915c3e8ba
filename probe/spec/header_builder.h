// One header's bytes from its definition and what a recipe says of its fields.
#pragma once

#include <map>
#include <string>

#include "probe/spec/header_table.h"
#include "probe/spec/recipe.h"

namespace dpi::spec {

// What the next segment of each side of a TCP connection begins with, so that recipes only state
// the numbers that are out of the ordinary.
class SequenceNumbers {
 public:
  // Of the side "address port > address port"; 1000 for the first side of a connection that
  // speaks, 9000 for the other.
  [[nodiscard]] std::uint32_t next(const std::string& side, const std::string& other);
  // The side has sent up to here; never goes back.
  void advance(const std::string& side, std::uint32_t to);

 private:
  std::map<std::string, std::uint32_t> next_;
};

// The packet around the header that is being built.
struct Stack {
  const std::vector<LayerText>& layers;  // outermost first
  std::size_t at = 0;                    // the header that is being built
  Bytes behind;                          // everything inside it
  std::size_t next_bytes = 0;            // of the next layer's own header
  // Where `behind` was cut out of a datagram (slice=): its offset, and whether more follows.
  std::uint64_t slice_from = 0;
  bool slice_more = false;
  SequenceNumbers& sequence;

  [[nodiscard]] const LayerText& layer() const { return layers[at]; }
};

[[nodiscard]] Result<ByteBuffer> build_header(const HeaderDefinition& definition,
                                              const Stack& stack);

// Options of a layer that are no fields.
[[nodiscard]] bool is_layer_option(std::string_view key) noexcept;

// RFC 1071 over the parts, one behind the other; all but the last must be of even length.
[[nodiscard]] std::uint16_t internet_checksum(std::initializer_list<Bytes> parts) noexcept;

// Dotted quad or RFC 4291 text; nothing otherwise.
[[nodiscard]] std::optional<ByteBuffer> parse_ip(std::string_view text, bool v6);

}  // namespace dpi::spec
