#include "probe/export/eve_dns.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "probe/export/forms.h"
#include "probe/export/json_text.h"

namespace dpi {
namespace {

// The types that EVE groups, and how their data is written.
enum class RecordData : std::uint8_t { text, exchange, strings, soa, srv, sshfp };
struct GroupedType {
  std::string_view name;
  RecordData data;
};
constexpr auto grouped_types = std::to_array<GroupedType>({{"A", RecordData::text},
                                                           {"AAAA", RecordData::text},
                                                           {"CNAME", RecordData::text},
                                                           {"MX", RecordData::exchange},
                                                           {"NS", RecordData::text},
                                                           {"NULL", RecordData::text},
                                                           {"PTR", RecordData::text},
                                                           {"SOA", RecordData::soa},
                                                           {"SRV", RecordData::srv},
                                                           {"SSHFP", RecordData::sshfp},
                                                           {"TXT", RecordData::strings}});

// One word of presentation format as a member; a number must be one.
struct Part {
  std::string_view name;
  bool number;
};
constexpr auto soa_parts = std::to_array<Part>({{"mname", false},
                                                {"rname", false},
                                                {"serial", true},
                                                {"refresh", true},
                                                {"retry", true},
                                                {"expire", true},
                                                {"minimum", true}});
constexpr auto srv_parts =
    std::to_array<Part>({{"priority", true}, {"weight", true}, {"port", true}, {"name", false}});
constexpr auto sshfp_parts =
    std::to_array<Part>({{"algo", true}, {"type", true}, {"fingerprint", false}});

// Nothing when the words are not as many as the parts, or one is no number: data that is cut,
// in the generic form of RFC 3597, or a name with a space in it.
std::optional<std::string> object_of(std::string_view data, std::span<const Part> parts) {
  std::string out{'{'};
  for (const Part& part : parts) {
    const bool last = &part == &parts.back();
    const std::size_t space = data.find(' ');
    if (data.empty() || last != (space == std::string_view::npos)) return std::nullopt;
    const std::string_view word = data.substr(0, space);
    (((out += out.size() > 1 ? ",\"" : "\"") += part.name) += "\":");
    if (part.number) {
      std::uint32_t value = 0;
      const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
      if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
      out += std::to_string(value);
    } else {
      append_json_string(out, word);
    }
    data.remove_prefix(last ? data.size() : space + 1);
  }
  return out += '}';
}

std::optional<std::string> object_of(std::string_view data, RecordData form) {
  switch (form) {
    case RecordData::soa:
      return object_of(data, soa_parts);
    case RecordData::srv:
      return object_of(data, srv_parts);
    case RecordData::sshfp:
      return object_of(data, sshfp_parts);
    default:
      return std::nullopt;
  }
}

// The bytes of one quoted string alone; several, or one with escapes, as they stand.
std::string_view unquoted(std::string_view data) {
  if (data.size() < 2 || data.front() != '"' || data.back() != '"') return data;
  const std::string_view inside = data.substr(1, data.size() - 2);
  return inside.find_first_of("\"\\") == std::string_view::npos ? inside : data;
}

std::string_view rdata_of(std::string_view data, RecordData form) {
  if (form == RecordData::strings) return unquoted(data);
  if (form == RecordData::exchange && !data.starts_with('\\'))
    return data.substr(std::min(data.find(' ') + 1, data.size()));  // npos + 1 is 0
  return data;
}

struct Section {
  std::string_view name;
  std::string_view path;
};
constexpr auto sections = std::to_array<Section>({{"answer", "dns.answers"},
                                                  {"authority", "dns.authorities"},
                                                  {"additional", "dns.additionals"}});

class Records {
 public:
  void add(const JsonTree& tree, std::uint32_t at) {
    const auto member = [&](std::string_view name) { return text_of(tree, at, name); };
    const std::string_view section = member("section");
    const auto* const place = std::ranges::find(sections, section, &Section::name);
    if (place == sections.end()) return;
    const std::string_view type = member("type");
    const std::string data = pct_decoded(member("data"));
    const auto* const grouped = std::ranges::find(grouped_types, type, &GroupedType::name);
    const RecordData form = grouped == grouped_types.end() ? RecordData::text : grouped->data;
    const auto object = object_of(data, form);

    std::string& list = lists_[static_cast<std::size_t>(place - sections.begin())];
    list += list.empty() ? "[{\"rrname\":" : ",{\"rrname\":";
    append_json_string(list, pct_decoded(member("name")));
    ((list += R"(,"rrtype":")") += type) += '"';
    if (const auto ttl = text_of(tree, at, "ttl", JsonKind::number); !ttl.empty())
      (list += ",\"ttl\":") += ttl;
    // The member of the object has the type's name in lower case; `soa` is everywhere, the others
    // are of answers only.
    if (object && (form == RecordData::soa || section == "answer")) {
      (list += form == RecordData::soa   ? ",\"soa\":"
               : form == RecordData::srv ? ",\"srv\":"
                                         : ",\"sshfp\":") += *object;
    } else if (member_of(tree, at, "data") != nullptr) {
      list += ",\"rdata\":";
      append_json_string(list, rdata_of(data, form));
    }
    list += '}';
    if (grouped != grouped_types.end() && section == "answer") group(*grouped, object, data);
  }

  void write(JsonDocument& record) const {
    for (std::size_t i = 0; i < sections.size(); ++i)
      if (!lists_[i].empty()) (record.at(sections[i].path) += lists_[i]) += ']';
    for (std::size_t i = 0; i < grouped_types.size(); ++i) {
      if (groups_[i].empty()) continue;
      (record.at(fmt::format("dns.grouped.{}", grouped_types[i].name)) += groups_[i]) += ']';
    }
  }

 private:
  void group(const GroupedType& type, const std::optional<std::string>& object,
             std::string_view data) {
    const bool objects = type.data == RecordData::soa || type.data == RecordData::srv ||
                         type.data == RecordData::sshfp;
    if (objects && !object) return;
    std::string& list = groups_[static_cast<std::size_t>(&type - grouped_types.data())];
    list += list.empty() ? '[' : ',';
    if (object) {
      list += *object;
    } else {
      append_json_string(list, rdata_of(data, type.data));
    }
  }

  std::array<std::string, sections.size()> lists_;
  std::array<std::string, grouped_types.size()> groups_;
};

void write_questions(JsonDocument& record, const JsonTree& tree, std::uint32_t at) {
  std::string& out = record.at("dns.queries");
  out += '[';
  for_each_in(tree, at, [&](const JsonNode&, std::uint32_t question) {
    if (out.size() > 1) out += ',';
    out += "{\"rrname\":";
    append_json_string(out, pct_decoded(text_of(tree, question, "name")));
    ((out += R"(,"rrtype":")") += text_of(tree, question, "type")) += "\"}";
  });
  out += ']';
}

}  // namespace

void write_eve_dns(JsonDocument& record, const ExportedEvent& event, EveDnsSide message) {
  record.number("dns.version", 3);
  record.text("dns.type", message == EveDnsSide::request ? "request" : "response");
  if (message == EveDnsSide::response) record.boolean("dns.qr", true);
  const JsonTree& tree = event.payload();
  Records records;
  for_each_in(tree, JsonTree::root, [&](const JsonNode& node, std::uint32_t at) {
    if (node.name == "questions" && node.kind == JsonKind::array && node.count > 0)
      write_questions(record, tree, at);
    if (node.name != "records" || message == EveDnsSide::request) return;
    for_each_in(tree, at, [&](const JsonNode&, std::uint32_t entry) { records.add(tree, entry); });
  });
  records.write(record);
}

}  // namespace dpi
