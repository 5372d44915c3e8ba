// The members of an event, written where the table says; what a format has no field for stands in
// an object of our own, as in the event. Every record names there the event that it was made from.
#pragma once

#include <functional>
#include <string_view>

#include "probe/export/exported_event.h"
#include "probe/export/json_document.h"
#include "probe/export/mapping.h"

namespace dpi {

using FormatTarget = Target Mapping::*;  // &Mapping::eve or &Mapping::ecs

// `ransomeye.instance`, `.seq` and `.sha256`.
void write_source(JsonDocument& out, const ExportedEvent& event);

struct MemberChoice {
  FormatTarget format;
  std::function<bool(std::string_view path)> wants;  // which fields this record has
  bool rest = true;  // whether it has what no field holds, as `ransomeye.<row>.<member>`
};
void write_members(JsonDocument& out, const ExportedEvent& event, const MemberChoice& choice);

}  // namespace dpi
