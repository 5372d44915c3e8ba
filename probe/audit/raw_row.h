// The row of re_raw.raw_event that an envelope and a payload must have.
#pragma once

#include <string_view>

#include "probe/audit/row_deriver.h"

namespace dpi {

// Columns of re_raw.raw_event that are read before anything is known of the event.
inline constexpr std::size_t raw_ingested_at = 0, raw_instance = 1, raw_seq = 2, raw_tenant = 3,
                             raw_columns = 25, raw_envelope = 23, raw_payload = 24;

void write_raw_row(ByteBuffer& out, const Envelope& envelope, std::string_view envelope_text,
                   std::string_view payload, const StoredAs& stored);

}  // namespace dpi
