// One output format of lines: what lines an event gives.
#pragma once

#include <string>

#include "probe/export/exported_event.h"

namespace dpi {

class RecordFormat {
 public:
  virtual ~RecordFormat() = default;
  // Whole lines with their ends; none for an event that the format has no record for.
  virtual void append(std::string& out, const ExportedEvent& event) = 0;
};

}  // namespace dpi
