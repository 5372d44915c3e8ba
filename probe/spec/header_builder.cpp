#include "probe/spec/header_builder.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "probe/base/hex.h"
#include "probe/spec/dns_builder.h"

namespace dpi::spec {
namespace {

// Bits, most significant first.
class BitWriter {
 public:
  void number(std::uint64_t value, std::uint32_t bits) {
    for (std::uint32_t i = bits; i-- > 0;) bit(i < 64 && (value >> i & 1U) != 0);
  }
  void little_endian(std::uint64_t value, std::uint32_t bits) {
    for (std::uint32_t i = 0; i < bits; i += 8) number(value >> i & 0xffU, 8);
  }
  void bytes(Bytes data) {
    for (const std::uint8_t b : data) number(b, 8);
  }
  [[nodiscard]] std::size_t bits() const { return bits_; }
  [[nodiscard]] ByteBuffer take() { return std::move(out_); }

 private:
  void bit(bool one) {
    if (bits_ % 8 == 0) out_.push_back(0);
    if (one) out_.back() |= static_cast<std::uint8_t>(0x80U >> bits_ % 8);
    ++bits_;
  }
  ByteBuffer out_;
  std::size_t bits_ = 0;
};

void put_be16(ByteBuffer& bytes, std::size_t at, std::uint16_t value) {
  bytes[at] = static_cast<std::uint8_t>(value >> 8U);
  bytes[at + 1] = static_cast<std::uint8_t>(value & 0xffU);
}

class HeaderBuilder {
 public:
  HeaderBuilder(const HeaderDefinition& definition, const Stack& stack)
      : definition_(definition), stack_(stack), fields_(header_fields(definition)) {}

  Result<ByteBuffer> build() {
    if (auto known = check_arguments(); !known) return tl::unexpected(known.error());
    size_ = header_bytes();
    for (const Field& field : fields_) {
      if (field.optional && stack_.layer().find(field.name) == nullptr) continue;
      if (auto written = write(field); !written) return tl::unexpected(written.error());
    }
    ByteBuffer out = bits_.take();
    if (definition_.name == "dns") {
      auto body = build_dns_body(stack_.layer());
      if (!body) return body;
      out.insert(out.end(), body->begin(), body->end());
    }
    put_checksum(out);
    if (definition_.name == "tcp") note_sequence(out);
    return out;
  }

 private:
  [[nodiscard]] const Field* field(std::string_view name) const {
    const auto found = std::find_if(fields_.begin(), fields_.end(),
                                    [name](const Field& f) { return f.name == name; });
    return found == fields_.end() ? nullptr : &*found;
  }
  Result<void> check_arguments() const {
    for (const Argument& argument : stack_.layer().arguments) {
      if (is_layer_option(argument.key)) continue;
      if (definition_.name == "dns" && is_dns_argument(argument.key)) continue;
      const Field* const known = field(argument.key);
      if (known == nullptr) {
        std::string names;
        for (const Field& f : fields_) names += " " + std::string{f.name};
        return wrong(argument.place, std::string{definition_.name} + " has no field " +
                                         argument.key + "; it has" + names);
      }
      if (argument.bare && known->bits != 1)
        return wrong(argument.place, argument.key + " needs a value: " + argument.key + "=…");
    }
    return {};
  }
  // Variable parts counted as they are given.
  [[nodiscard]] std::size_t header_bytes() const {
    std::size_t bits = 0;
    for (const Field& f : fields_) {
      const Argument* const given = stack_.layer().find(f.name);
      if (f.optional && given == nullptr) continue;
      bits += f.kind == Field::Kind::hex ? (given ? given->value : f.standard).size() * 4 : f.bits;
    }
    return bits / 8;
  }

  Result<void> write(const Field& f) {
    const Argument* const given = stack_.layer().find(f.name);
    const std::string_view text = given != nullptr ? std::string_view{given->value} : f.standard;
    switch (f.kind) {
      case Field::Kind::mac:
      case Field::Kind::hex: {
        const auto bytes = parse_hex(text);
        if (!bytes || (f.kind == Field::Kind::mac && bytes->size() != 6))
          return bad(f, given, "must be pairs of lower-case hexadecimal digits");
        bits_.bytes(*bytes);
        return {};
      }
      case Field::Kind::ip4:
      case Field::Kind::ip6: {
        const auto bytes = parse_ip(text, f.kind == Field::Kind::ip6);
        if (!bytes) return bad(f, given, "must be an address");
        bits_.bytes(*bytes);
        return {};
      }
      default:
        break;
    }
    std::uint64_t value = 0;
    if (given != nullptr && given->bare) {
      value = 1;
    } else if (auto known = number(f, given, text); known) {
      value = *known;
    } else {
      return tl::unexpected(known.error());
    }
    if (f.kind == Field::Kind::little_endian) {
      bits_.little_endian(value, f.bits);
    } else {
      bits_.number(value, f.bits);
    }
    return {};
  }
  tl::unexpected<Error> bad(const Field& f, const Argument* given, const std::string& what) const {
    return wrong(given != nullptr ? given->place : stack_.layer().place,
                 std::string{definition_.name} + " " + std::string{f.name} + " " + what);
  }
  Result<std::uint64_t> number(const Field& f, const Argument* given, std::string_view text) {
    if (text.empty() && given == nullptr) return 0;
    if (text.starts_with('@')) return automatic(f, text.substr(1));
    const bool relative = f.standard == "@seq" || f.standard == "@ack";
    if (relative && (text.starts_with('+') || text.starts_with('-'))) {
      const auto delta = parse_number(text.substr(1));
      if (!delta) return bad(f, given, "must be a number, or +N or -N from where it stands");
      const auto base = static_cast<std::uint32_t>(sequence(f.standard == "@seq"));
      const auto step = static_cast<std::uint32_t>(*delta);
      return text[0] == '-' ? base - step : base + step;
    }
    const auto value = parse_number(text);
    if (!value || (f.bits < 64 && *value >> f.bits != 0))
      return bad(f, given, "must be a number of " + std::to_string(f.bits) + " bits");
    return *value;
  }

  // What @ defaults mean.
  Result<std::uint64_t> automatic(const Field& f, std::string_view what) {
    const std::uint64_t all = size_ + stack_.behind.size();
    const std::uint64_t mask = f.bits < 64 ? (std::uint64_t{1} << f.bits) - 1 : ~std::uint64_t{0};
    // @seq before the checksums: what lengths cannot hold is cut as the field cuts it.
    if (what == "all") return all & mask;
    if (what == "all-8") return (all - 8) & mask;
    if (what == "all-14") return (all - 14) & mask;
    if (what == "behind") return stack_.behind.size() & mask;
    if (what == "behind+4") return (stack_.behind.size() + 4) & mask;
    if (what == "next") return stack_.next_bytes & mask;
    if (what == "words") return size_ / 4 & mask;
    if (what == "words-2") return (size_ / 4 - 2) & mask;
    if (what == "eights-1") return (size_ / 8 - 1) & mask;
    if (what == "offset") return stack_.slice_from / 8 & mask;
    if (what == "more") return stack_.slice_more ? 1U : 0U;
    if (what == "bottom") return next_name() == "mpls" ? 0U : 1U;
    if (what == "seq" || what == "ack") return what == "seq" ? sequence(true) : acknowledged();
    if (what.ends_with("_sum") || what == "sum") {
      checksum_ = what;
      checksum_at_ = bits_.bits() / 8;
      return 0;
    }
    if (what.starts_with("has.")) return stack_.layer().find(what.substr(4)) != nullptr ? 1U : 0U;
    if (what.starts_with("count.")) return dns_count(stack_.layer(), what.substr(6)) & mask;
    return number_of_next(f, what);
  }
  [[nodiscard]] std::string_view next_name() const {
    const std::size_t next = stack_.at + 1;
    return next < stack_.layers.size() ? std::string_view{stack_.layers[next].name}
                                       : std::string_view{};
  }
  // EtherType, IP protocol and the like of the layer behind.
  Result<std::uint64_t> number_of_next(const Field& f, std::string_view space) const {
    const HeaderDefinition* const next = find_header(next_name());
    if (next != nullptr) {
      if (const auto number = header_number(*next, space)) return *number;
    }
    if (space == "eth" && next_name().starts_with("llc")) return stack_.behind.size();
    if (space == "ip" && next_name().empty()) return 59;  // RFC 8200 §4.7
    if (space == "port") return 40'001;
    return bad(f, nullptr,
               "must be given in front of " +
                   (next_name().empty() ? std::string{"nothing"} : std::string{next_name()}) +
                   ": " + std::string{f.name} + "=…");
  }

  // The IP header around this one; nothing when there is none.
  [[nodiscard]] const LayerText* around() const {
    for (std::size_t i = stack_.at; i-- > 0;) {
      const LayerText& layer = stack_.layers[i];
      if (layer.name == "ipv4" || layer.name == "ipv6") return &layer;
    }
    return nullptr;
  }
  // A field of that header as the recipe or the definition has it.
  static std::string text_of(const LayerText& layer, std::string_view name) {
    if (const Argument* const given = layer.find(name)) return given->value;
    for (const Field& f : header_fields(*find_header(layer.name))) {
      if (f.name == name) return std::string{f.standard};
    }
    return {};
  }
  [[nodiscard]] std::string side(bool sender) const {
    const LayerText* const ip = around();
    const std::string_view from = sender ? "src" : "dst";
    const std::string_view to = sender ? "dst" : "src";
    std::string out;
    for (const std::string_view end : {from, to}) {
      if (ip != nullptr) out += text_of(*ip, end);
      out += ' ';
      out += text_of(stack_.layer(), end);
      out += ' ';
    }
    return out;
  }
  [[nodiscard]] std::uint32_t sequence(bool own) const {
    return stack_.sequence.next(side(own), side(!own));
  }
  // Without ACK the field is zero (RFC 9293 §3.1).
  [[nodiscard]] std::uint32_t acknowledged() const {
    return stack_.layer().find("ACK") == nullptr ? 0 : sequence(false);
  }
  void note_sequence(const ByteBuffer& header) const {
    std::uint32_t at = 0;
    for (std::size_t i = 4; i < 8; ++i) at = at << 8U | header[i];
    const std::uint32_t flags = header[13];
    const auto used =
        static_cast<std::uint32_t>(stack_.behind.size()) + (flags & 1U) + (flags >> 1U & 1U);
    stack_.sequence.advance(side(true), at + used);
  }

  void put_checksum(ByteBuffer& header) const {
    if (checksum_.empty()) return;
    if (checksum_ == "header_sum") {
      put_be16(header, checksum_at_, internet_checksum({header}));
    } else if (checksum_ == "sum") {
      put_be16(header, checksum_at_, internet_checksum({header, stack_.behind}));
    } else {
      put_be16(header, checksum_at_, transport_checksum(header));
    }
  }
  // RFC 768, RFC 9293 §3.1, RFC 8200 §8.1: with a pseudo-header of the IP header around.
  [[nodiscard]] std::uint16_t transport_checksum(const ByteBuffer& header) const {
    const LayerText* const ip = around();
    if (ip == nullptr) return 0;
    const bool v6 = ip->name == "ipv6";
    ByteBuffer pseudo;
    for (const std::string_view end : {"src", "dst"}) {
      const auto address = parse_ip(text_of(*ip, end), v6);
      if (address) pseudo.insert(pseudo.end(), address->begin(), address->end());
    }
    const auto length = static_cast<std::uint32_t>(header.size() + stack_.behind.size());
    const auto protocol = static_cast<std::uint8_t>(header_number(definition_, "ip").value_or(0));
    for (const std::uint32_t part : {length >> 24U, length >> 16U, length >> 8U, length})
      pseudo.push_back(static_cast<std::uint8_t>(part & 0xffU));
    pseudo.insert(pseudo.end(), {0, 0, 0, protocol});
    const std::uint16_t sum = internet_checksum({pseudo, header, stack_.behind});
    return sum == 0 && definition_.name == "udp" ? std::uint16_t{0xffff} : sum;
  }

  const HeaderDefinition& definition_;
  const Stack& stack_;
  const std::vector<Field>& fields_;
  BitWriter bits_;
  std::size_t size_ = 0;
  std::string_view checksum_;
  std::size_t checksum_at_ = 0;
};

}  // namespace

std::uint32_t SequenceNumbers::next(const std::string& side, const std::string& other) {
  constexpr std::uint32_t first = 1000, second = 9000;
  const auto found = next_.find(side);
  if (found != next_.end()) return found->second;
  return next_.contains(other) ? second : first;
}

void SequenceNumbers::advance(const std::string& side, std::uint32_t to) {
  const auto [place, fresh] = next_.emplace(side, to);
  if (!fresh && static_cast<std::int32_t>(to - place->second) > 0) place->second = to;
}

Result<ByteBuffer> build_header(const HeaderDefinition& definition, const Stack& stack) {
  return HeaderBuilder{definition, stack}.build();
}

bool is_layer_option(std::string_view key) noexcept {
  constexpr std::array<std::string_view, 4> options{"cut", "pad", "patch", "slice"};
  return std::find(options.begin(), options.end(), key) != options.end();
}

std::uint16_t internet_checksum(std::initializer_list<Bytes> parts) noexcept {
  std::uint64_t sum = 0;
  for (const Bytes part : parts) {
    for (std::size_t i = 0; i < part.size(); i += 2) {
      sum += static_cast<std::uint64_t>(part[i]) << 8U;
      if (i + 1 < part.size()) sum += part[i + 1];
    }
  }
  while (sum >> 16U != 0) sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<std::uint16_t>(~sum & 0xffffU);
}

std::optional<ByteBuffer> parse_ip(std::string_view text, bool v6) {
  ByteBuffer out(v6 ? 16 : 4);
  if (::inet_pton(v6 ? AF_INET6 : AF_INET, std::string{text}.c_str(), out.data()) != 1)
    return std::nullopt;
  return out;
}

}  // namespace dpi::spec
