// The Elastic Common Schema: one document for every event.
#pragma once

#include <string>
#include <string_view>

#include "probe/export/exported_event.h"
#include "probe/export/json_document.h"
#include "probe/export/record_format.h"

namespace dpi {

class EcsFormat final : public RecordFormat {
 public:
  void append(std::string& out, const ExportedEvent& event) override;

 private:
  void common(const ExportedEvent& event);
  void flow(const ExportedEvent& event);
  void dns(const ExportedEvent& event);

  JsonDocument record_;
};

}  // namespace dpi
