// Which members a payload can have: those that the database takes (schemas/03_normalized_dpi.sql),
// so that the list stands once.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace dpi {

// Of the event whose rows re_dpi.store_<kind> makes: flow, dns or heartbeat. Empty: no such kind.
[[nodiscard]] std::set<std::string, std::less<>> payload_members(std::string_view kind);

}  // namespace dpi
