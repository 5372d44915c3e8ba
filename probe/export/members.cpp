#include "probe/export/members.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "probe/export/forms.h"

namespace dpi {
namespace {

// Of a type without rows: "chain.start" → "chain_start".
std::string row_name(std::string_view event_type) {
  std::string out{event_type};
  std::ranges::replace(out, '.', '_');
  return out;
}

}  // namespace

void write_source(JsonDocument& out, const ExportedEvent& event) {
  out.text("ransomeye.instance", event.said("component_instance_id"));
  out.number("ransomeye.seq", event.seq());
  out.text("ransomeye.sha256", event.sha256());
}

void write_members(JsonDocument& out, const ExportedEvent& event, const MemberChoice& choice) {
  const RowMapping* const row = row_mapping(event.type());
  auto rest = row == nullptr ? std::span<const Mapping>{} : row->members;
  std::string own =
      fmt::format("ransomeye.{}.", row == nullptr ? row_name(event.type()) : std::string{row->row});
  const std::size_t own_bytes = own.size();
  std::string value;
  // Both are sorted by name, so the table passes by once.
  for_each_in(event.payload(), JsonTree::root, [&](const JsonNode& node, std::uint32_t) {
    while (!rest.empty() && rest.front().member < node.name) rest = rest.subspan(1);
    bool said = false;
    for (; !rest.empty() && rest.front().member == node.name; rest = rest.subspan(1)) {
      const Target& target = rest.front().*choice.format;
      if (target.path.empty()) continue;
      if (target.form == Form::made) said = true;
      if (target.form == Form::made || target.form == Form::in_part) continue;
      value.clear();
      const bool wanted = choice.wants(target.path);
      const bool written = wanted && append_form(value, rest.front(), target.form, node);
      if (written) out.json(target.path, value);
      said = said || (written == wanted && says_all(target.form));
    }
    if (said || !choice.rest) return;
    own.resize(own_bytes);
    own += node.name;
    if (node.kind == JsonKind::string) {
      out.text(own, node.text);
    } else {
      out.json(own, node.text);
    }
  });
}

}  // namespace dpi
