// Every event that was to be: sealed, or shed because nothing could keep it; by type. Owned by the
// recorder's thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "probe/event/heartbeat.h"

namespace dpi {

class EventLedger {
 public:
  void sealed(std::string_view type) { ++of(type).sealed; }
  void shed(std::string_view type) { ++of(type).shed; }

  // In order of types.
  [[nodiscard]] const std::vector<EventTypeFacts>& types() const noexcept { return types_; }
  [[nodiscard]] std::uint64_t shed_total() const noexcept;
  // Sealed or shed.
  [[nodiscard]] std::uint64_t produced(std::string_view type) const noexcept;

 private:
  EventTypeFacts& of(std::string_view type);

  std::vector<EventTypeFacts> types_;  // types are literals of ours
};

}  // namespace dpi
