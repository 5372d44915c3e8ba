// Suricata's EVE JSON (etc/schema.json of Suricata 8): records of the types flow, tls, quic, http,
// ssh, anomaly, dns and stats. One event gives none, one or several of them.
#pragma once

#include <string>
#include <string_view>

#include "probe/export/exported_event.h"
#include "probe/export/json_document.h"
#include "probe/export/record_format.h"

namespace dpi {

class EveFormat final : public RecordFormat {
 public:
  void append(std::string& out, const ExportedEvent& event) override;

 private:
  void flow(std::string& out, const ExportedEvent& event);
  void metadata(std::string& out, const ExportedEvent& event);
  void anomalies(std::string& out, const ExportedEvent& event);
  void scan(std::string& out, const ExportedEvent& event);
  void stats(std::string& out, const ExportedEvent& event);
  // What every record begins with, and the members that `type` has.
  void begin(const ExportedEvent& event, std::string_view type, std::string_view time);
  void members(const ExportedEvent& event, std::string_view type, bool rest);
  void end(std::string& out);

  JsonDocument record_;
};

}  // namespace dpi
