// Whether every event that is sealed becomes rows: a sink that keeps nothing and fails at the first
// event that breaks a rule of the bundle (probe/audit/row_rules.h).
#pragma once

#include <memory>

#include "probe/store/event_sink.h"

namespace dpi {

// In builds that test (DPI_ASSERT_ROWS) every chain is judged, and such an event is a broken
// promise of ours that ends the program.
#ifdef DPI_ASSERT_ROWS
inline constexpr bool rows_are_asserted = true;
#else
inline constexpr bool rows_are_asserted = false;
#endif

[[nodiscard]] std::unique_ptr<EventSink> make_row_rule_sink();

}  // namespace dpi
