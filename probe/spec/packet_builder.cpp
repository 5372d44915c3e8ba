#include "probe/spec/packet_builder.h"

#include <algorithm>

#include "probe/base/hex.h"

namespace dpi::spec {
namespace {

constexpr std::size_t packet_bytes_max = 1U << 20U;

// text "…", hex 0102, zeros 100: bytes without a header. Nothing: it is a header.
Result<std::optional<ByteBuffer>> plain_bytes(const LayerText& layer) {
  if (layer.name != "text" && layer.name != "hex" && layer.name != "zeros")
    return std::optional<ByteBuffer>{};
  ByteBuffer out;
  for (const Argument& argument : layer.arguments) {
    if (is_layer_option(argument.key)) continue;
    const std::string& value = argument.bare ? argument.key : argument.value;
    if (layer.name == "text") {
      out.insert(out.end(), value.begin(), value.end());
    } else if (layer.name == "hex") {
      const auto bytes = parse_hex(value);
      if (!bytes) return wrong(argument.place, "hex needs pairs of lower-case hexadecimal digits");
      out.insert(out.end(), bytes->begin(), bytes->end());
    } else {
      const auto count = parse_number(value);
      if (!count || *count > packet_bytes_max)
        return wrong(argument.place, "zeros needs a number of bytes, at most 1 MiB");
      out.resize(out.size() + *count);
    }
  }
  return std::optional{std::move(out)};
}

Result<std::uint64_t> option_number(const Argument& argument) {
  const auto number = parse_number(argument.value);
  if (!number || *number > packet_bytes_max)
    return wrong(argument.place, argument.key + " needs a number of bytes, at most 1 MiB");
  return *number;
}

// slice=FROM:TO keeps these bytes of what is inside, as a fragment or a segment does.
Result<void> take_slice(const Argument& argument, ByteBuffer& inside, Stack& stack) {
  const std::string_view text = argument.value;
  const std::size_t colon = text.find(':');
  const auto from = parse_number(text.substr(0, colon));
  std::optional<std::uint64_t> to;
  if (colon != std::string_view::npos) {
    to = colon + 1 == text.size() ? inside.size() : parse_number(text.substr(colon + 1));
  }
  if (!from || !to || *from > *to || *to > inside.size()) {
    return wrong(argument.place, "slice=FROM:TO must lie within the " +
                                     std::to_string(inside.size()) + " bytes inside");
  }
  stack.slice_from = *from;
  stack.slice_more = *to < inside.size();
  inside.resize(*to);
  inside.erase(inside.begin(), inside.begin() + static_cast<std::ptrdiff_t>(*from));
  return {};
}

// patch=OFFSET:HEX, pad=N, cut=N on a finished layer with everything inside it.
Result<void> apply_options(const LayerText& layer, ByteBuffer& bytes) {
  for (const Argument& argument : layer.arguments) {
    if (argument.key == "patch") {
      const std::string_view text = argument.value;
      const std::size_t colon = text.find(':');
      const auto at = parse_number(text.substr(0, colon));
      const auto put =
          parse_hex(colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1));
      if (!at || !put || put->empty() || *at > bytes.size() || put->size() > bytes.size() - *at) {
        return wrong(argument.place, "patch=OFFSET:HEX must lie within the layer's " +
                                         std::to_string(bytes.size()) + " bytes");
      }
      std::copy(put->begin(), put->end(), bytes.begin() + static_cast<std::ptrdiff_t>(*at));
    } else if (argument.key == "pad" || argument.key == "cut") {
      const auto number = option_number(argument);
      if (!number) return tl::unexpected(number.error());
      if (argument.key == "pad") {
        bytes.resize(bytes.size() + *number);
      } else {
        bytes.resize(std::min<std::size_t>(bytes.size(), *number));
      }
    }
  }
  return {};
}

}  // namespace

Result<ByteBuffer> build_packet(const std::vector<LayerText>& layers, SequenceNumbers& sequence) {
  ByteBuffer bytes;
  std::size_t next_bytes = 0;
  for (std::size_t i = layers.size(); i-- > 0;) {
    const LayerText& layer = layers[i];
    Stack stack{
        .layers = layers, .at = i, .behind = {}, .next_bytes = next_bytes, .sequence = sequence};
    if (const Argument* const slice = layer.find("slice")) {
      if (auto taken = take_slice(*slice, bytes, stack); !taken)
        return tl::unexpected(taken.error());
    }
    stack.behind = bytes;
    auto plain = plain_bytes(layer);
    if (!plain) return tl::unexpected(plain.error());
    if (!*plain) {
      const HeaderDefinition* const definition = find_header(layer.name);
      if (definition == nullptr) {
        return wrong(layer.place, "unknown layer " + layer.name +
                                      "; pcaps-spec/README.md lists them, `hex` takes any bytes");
      }
      auto header = build_header(*definition, stack);
      if (!header) return header;
      *plain = std::move(*header);
    }
    next_bytes = (*plain)->size();
    bytes.insert(bytes.begin(), (*plain)->begin(), (*plain)->end());
    if (auto applied = apply_options(layer, bytes); !applied)
      return tl::unexpected(applied.error());
    if (bytes.size() > packet_bytes_max) return wrong(layer.place, "a packet of more than 1 MiB");
  }
  return bytes;
}

std::optional<std::uint32_t> link_type_of(const LayerText& layer) noexcept {
  const HeaderDefinition* const definition = find_header(layer.name);
  if (definition == nullptr) return std::nullopt;
  const auto number = header_number(*definition, "link");
  return number ? std::optional{static_cast<std::uint32_t>(*number)} : std::nullopt;
}

}  // namespace dpi::spec
