// Types that few zones have and whose form is more than a row of fields.
#pragma once

#include "dissectors/dns/rdata_writer.h"

namespace dpi {

void write_wks(RdataWriter& w);
void write_loc(RdataWriter& w);
void write_nxt(RdataWriter& w);
void write_a6(RdataWriter& w);
void write_apl(RdataWriter& w);
void write_ipseckey(RdataWriter& w);
void write_hip(RdataWriter& w);
void write_amtrelay(RdataWriter& w);
void write_nsap(RdataWriter& w);
// RFC 6742 §2: a preference, then 64 bits in four groups.
void write_node_id(RdataWriter& w);
// RFC 7043: so many bytes, apart by dashes.
void write_eui(RdataWriter& w, std::size_t bytes);

}  // namespace dpi
