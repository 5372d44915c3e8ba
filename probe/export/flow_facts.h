// Which protocols a flow told of itself, from the members that only they set.
#pragma once

#include "probe/export/exported_event.h"

namespace dpi {

struct FlowFacts {
  bool tls = false;   // over TCP, in DTLS or in QUIC
  bool quic = false;  // that TLS is QUIC's
  bool http = false;
  bool ssh = false;
};

[[nodiscard]] FlowFacts flow_facts(const ExportedEvent& event);

}  // namespace dpi
