#include "probe/spec/dns_builder.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "probe/base/hex.h"
#include "probe/spec/dns_writer.h"
#include "probe/spec/header_builder.h"

namespace dpi::spec {
namespace {

struct TypeForm {
  std::string_view name;
  std::uint16_t number;
  // Of the data, one letter a field: b w l numbers of 8, 16, 32 bits; 4 6 addresses; n name;
  // s character-string; T type; M types as bitmap; x hex; c hex behind its length;
  // r raw text; k service parameters; * the field before again and again.
  std::string_view form;
};

constexpr std::array types = std::to_array<TypeForm>({
    {"A", 1, "4"},
    {"NS", 2, "n"},
    {"MD", 3, "n"},
    {"MF", 4, "n"},
    {"CNAME", 5, "n"},
    {"SOA", 6, "nnlllll"},
    {"MB", 7, "n"},
    {"MG", 8, "n"},
    {"MR", 9, "n"},
    {"NULL", 10, "x"},
    {"PTR", 12, "n"},
    {"HINFO", 13, "ss"},
    {"MINFO", 14, "nn"},
    {"MX", 15, "wn"},
    {"TXT", 16, "s*"},
    {"RP", 17, "nn"},
    {"AFSDB", 18, "wn"},
    {"RT", 21, "wn"},
    {"SIG", 24, "Tbblllwnx"},
    {"KEY", 25, "wbbx"},
    {"AAAA", 28, "6"},
    {"NB", 32, "x"},
    {"SRV", 33, "wwwn"},
    {"NBSTAT", 33, "x"},
    {"NAPTR", 35, "wwsssn"},
    {"KX", 36, "wn"},
    {"DNAME", 39, "n"},
    {"OPT", 41, "x"},
    {"DS", 43, "wbbx"},
    {"SSHFP", 44, "bbx"},
    {"RRSIG", 46, "Tbblllwnx"},
    {"NSEC", 47, "nM"},
    {"DNSKEY", 48, "wbbx"},
    {"NSEC3", 50, "bbwccM"},
    {"NSEC3PARAM", 51, "bbwc"},
    {"TLSA", 52, "bbbx"},
    {"SMIMEA", 53, "bbbx"},
    {"CDS", 59, "wbbx"},
    {"CDNSKEY", 60, "wbbx"},
    {"SVCB", 64, "wnk"},
    {"HTTPS", 65, "wnk"},
    {"SPF", 99, "s*"},
    {"IXFR", 251, "x"},
    {"AXFR", 252, "x"},
    {"ANY", 255, "x"},
    {"URI", 256, "wwr"},
    {"CAA", 257, "bsr"},
    {"DLV", 32769, "wbbx"},
});

constexpr std::array classes = std::to_array<std::pair<std::string_view, std::uint16_t>>(
    {{"IN", 1}, {"CH", 3}, {"HS", 4}, {"NONE", 254}, {"ANY", 255}});

std::optional<std::uint16_t> number_behind(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return std::nullopt;
  const auto number = parse_number(text.substr(prefix.size()));
  if (!number || *number > 0xffffU) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

const TypeForm* find_type(std::string_view name) {
  const auto* const found = std::find_if(types.begin(), types.end(),
                                         [name](const TypeForm& t) { return t.name == name; });
  return found == types.end() ? nullptr : found;
}

std::optional<std::uint16_t> type_number(std::string_view name) {
  if (const TypeForm* const known = find_type(name)) return known->number;
  return number_behind(name, "TYPE");
}

std::optional<std::uint16_t> class_number(std::string_view name) {
  for (const auto& [known, number] : classes) {
    if (known == name) return number;
  }
  return number_behind(name, "CLASS");
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) break;
    const std::size_t end = text.find(' ', begin);
    out.push_back(text.substr(begin, end == std::string_view::npos ? end : end - begin));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end);
  }
  return out;
}

class MessageBody : private DnsWriter {
 public:
  explicit MessageBody(const LayerText& layer) : layer_(layer) {}

  Result<ByteBuffer> build() {
    for (const std::string_view section : {"q", "an", "ns", "ar", "opt"}) {
      for (const Argument& argument : layer_.arguments) {
        if (argument.key != section) continue;
        const bool ok = section == "q"     ? question(argument.value)
                        : section == "opt" ? edns(argument.value)
                                           : record(argument.value);
        if (!ok) return wrong(argument.place, problem());
      }
    }
    return take();
  }

 private:
  bool question(std::string_view text) {
    const auto words = words_of(text);
    if (words.empty() || words.size() > 3) return refuse("a question is NAME TYPE CLASS");
    if (words[0].starts_with("x:") && words.size() == 1) return hex(words[0].substr(2));
    const auto type = type_number(words.size() > 1 ? words[1] : "A");
    const auto klass = class_number(words.size() > 2 ? words[2] : "IN");
    if (!type || !klass) return refuse("unknown type or class; TYPEn and CLASSn are always known");
    if (!name(words[0])) return false;
    be(*type, 2);
    be(*klass, 2);
    return true;
  }

  // NAME [TTL] [CLASS] TYPE DATA…, or x:HEX for all of it.
  bool record(std::string_view text) {
    const auto words = words_of(text);
    if (words.size() == 1 && words[0].starts_with("x:")) return hex(words[0].substr(2));
    std::size_t i = 1;
    const auto ttl = i < words.size() ? parse_number(words[i]) : std::nullopt;
    if (ttl) ++i;
    const auto klass = i < words.size() ? class_number(words[i]) : std::nullopt;
    if (klass && i + 1 < words.size()) ++i;
    const auto type = i < words.size() ? type_number(words[i]) : std::nullopt;
    if (!type) return refuse("a record is NAME TTL TYPE DATA; unknown types are TYPEn x:HEX");
    const TypeForm* const form = find_type(words[i]);
    if (!name(words[0])) return false;
    be(*type, 2);
    be(klass.value_or(1), 2);
    be(ttl.value_or(0), 4);
    const std::size_t length_at = out_.size();
    be(0, 2);
    const std::span<const std::string_view> data = std::span{words}.subspan(i + 1);
    const bool plain = data.size() == 1 && data[0].starts_with("x:");
    if (plain ? !hex(data[0].substr(2)) : !fields(form, data)) return false;
    const std::size_t length = out_.size() - length_at - 2;
    out_[length_at] = static_cast<std::uint8_t>(length >> 8U & 0xffU);
    out_[length_at + 1] = static_cast<std::uint8_t>(length & 0xffU);
    return true;
  }
  bool fields(const TypeForm* form, std::span<const std::string_view> data) {
    if (data.empty()) return true;
    std::size_t at = 0;
    char kind = '\0';
    for (const std::string_view word : data) {
      if (form == nullptr) break;
      if (at < form->form.size() && form->form[at] != '*')
        kind = form->form[at++];
      else if (kind != 'M' && kind != 'k' && (at >= form->form.size() || form->form[at] != '*'))
        return refuse("more data than the type has");
      if (kind == 'M') break;
      if (!field(kind, word)) return false;
    }
    if (form == nullptr) return refuse("data of an unknown type is x:HEX");
    return kind != 'M' || bitmap(data.subspan(at - 1));
  }
  bool field(char kind, std::string_view word) {
    switch (kind) {
      case 'b':
        return number(word, 1);
      case 'w':
        return number(word, 2);
      case 'l':
        return number(word, 4);
      case 'n':
        return name(word);
      case 's':
        return character_string(unquoted(word));
      case 'x':
        return hex(word);
      case 'r': {
        const std::string text = unquoted(word);
        out_.insert(out_.end(), text.begin(), text.end());
        return true;
      }
      case 'c': {
        be(word == "-" ? 0 : word.size() / 2, 1);
        return hex(word);
      }
      case 'T': {
        const auto type = type_number(word);
        if (!type) return refuse("unknown type " + std::string{word});
        be(*type, 2);
        return true;
      }
      case 'k':
        return parameter(word);
      default:
        return address(word, kind == '6');
    }
  }
  // Underscores stand for spaces, which set words apart.
  static std::string unquoted(std::string_view word) {
    std::string out{word};
    std::replace(out.begin(), out.end(), '_', ' ');
    return out;
  }
  bool address(std::string_view word, bool v6) {
    const auto bytes = parse_ip(word, v6);
    if (!bytes) return refuse(std::string{word} + " is no address of this type");
    out_.insert(out_.end(), bytes->begin(), bytes->end());
    return true;
  }
  // RFC 4034 §4.1.2; types below 256.
  bool bitmap(std::span<const std::string_view> names) {
    std::array<std::uint8_t, 32> bits{};
    std::size_t used = 0;
    for (const std::string_view name : names) {
      const auto type = type_number(name);
      if (!type || *type > 255) return refuse("types of a bitmap must be below 256");
      bits[*type / 8U] |= static_cast<std::uint8_t>(0x80U >> *type % 8U);
      used = std::max<std::size_t>(used, *type / 8U + 1U);
    }
    be(0, 1);
    be(used, 1);
    out_.insert(out_.end(), bits.begin(), bits.begin() + static_cast<std::ptrdiff_t>(used));
    return true;
  }
  // RFC 9460 §2.2: KEY:HEX.
  bool parameter(std::string_view word) {
    const std::size_t colon = word.find(':');
    const auto value = parse_hex(colon == std::string_view::npos ? "" : word.substr(colon + 1));
    if (!value || !number(word.substr(0, colon), 2)) return refuse("a parameter is KEY:HEX");
    be(value->size(), 2);
    out_.insert(out_.end(), value->begin(), value->end());
    return true;
  }

  // RFC 6891 §6.1.2: udp=, do, version=, rcode= (its high bits), option=CODE:HEX.
  bool edns(std::string_view text) {
    std::uint64_t udp = 1232, version = 0, rcode = 0, dnssec = 0;
    ByteBuffer options;
    for (const std::string_view word : words_of(text)) {
      const std::size_t equals = word.find('=');
      const std::string_view key = word.substr(0, equals);
      const std::string_view value =
          equals == std::string_view::npos ? std::string_view{} : word.substr(equals + 1);
      if (key == "do") {
        dnssec = 0x8000;
      } else if (key == "option") {
        const std::size_t colon = value.find(':');
        const auto code = parse_number(value.substr(0, colon));
        const auto data = parse_hex(colon == std::string_view::npos ? "" : value.substr(colon + 1));
        if (!code || !data || *code > 0xffffU) return refuse("an option is option=CODE:HEX");
        for (const std::uint64_t part : {*code, std::uint64_t{data->size()}}) {
          options.push_back(static_cast<std::uint8_t>(part >> 8U));
          options.push_back(static_cast<std::uint8_t>(part & 0xffU));
        }
        options.insert(options.end(), data->begin(), data->end());
      } else {
        const auto known = parse_number(value);
        std::uint64_t* const place = key == "udp"       ? &udp
                                     : key == "version" ? &version
                                     : key == "rcode"   ? &rcode
                                                        : nullptr;
        if (!known || *known > 0xffffU || place == nullptr)
          return refuse("opt takes udp= version= rcode= do option=");
        *place = *known;
      }
    }
    be(0, 1);
    be(41, 2);
    be(udp, 2);
    be((rcode & 0xffU) << 24U | (version & 0xffU) << 16U | dnssec, 4);
    be(options.size(), 2);
    out_.insert(out_.end(), options.begin(), options.end());
    return true;
  }

  const LayerText& layer_;
};

}  // namespace

bool is_dns_argument(std::string_view key) noexcept {
  return key == "q" || key == "an" || key == "ns" || key == "ar" || key == "opt";
}

std::uint64_t dns_count(const LayerText& layer, std::string_view section) noexcept {
  return static_cast<std::uint64_t>(
      std::count_if(layer.arguments.begin(), layer.arguments.end(), [section](const Argument& a) {
        return a.key == section || (section == "ar" && a.key == "opt");
      }));
}

Result<ByteBuffer> build_dns_body(const LayerText& layer) {
  return MessageBody{layer}.build();
}

}  // namespace dpi::spec
