// The `dns` object of EVE, version 3: a request or a response of one exchange.
#pragma once

#include "probe/export/exported_event.h"
#include "probe/export/json_document.h"

namespace dpi {

enum class EveDnsSide : std::uint8_t { request, response };

// Its type, questions and, of a response, its records: each section, and the answers grouped by
// type.
void write_eve_dns(JsonDocument& record, const ExportedEvent& event, EveDnsSide message);

}  // namespace dpi
