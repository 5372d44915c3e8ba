#include "probe/app/row_rule_sink.h"

#include <fmt/format.h>

#include <cstdio>

#include "probe/app/schema_bundle.h"
#include "probe/audit/row_rules.h"
#include "probe/base/check.h"

namespace dpi {
namespace {

class RowRuleSink final : public EventSink {
 public:
  Result<void> event(std::uint64_t seq, std::string_view envelope,
                     std::string_view payload) override {
    const auto parsed = parse_envelope(envelope);
    DPI_CHECK(parsed.has_value());
    const auto broken = rules_.broken(*parsed, payload);
    if (!broken) return {};
    const std::string what = fmt::format(
        "event {} ({}) breaks the rule {} ({}), so the database would put it into quarantine; "
        "report it with the capture",
        seq, parsed->event_type, broken->rule, broken->detail);
    if constexpr (rows_are_asserted) {
      fmt::print(stderr, "{}: {}\n", what, payload);
      DPI_CHECK(!broken);
    }
    return fail(Errc::failure, what);
  }
  Result<void> checkpoint(std::string_view /*note*/, const ChainHead& /*head*/) override {
    return {};
  }
  Result<void> finish() override { return {}; }

 private:
  BundleCatalogue bundle_ = bundle_of_this_program();
  RowPlans plans_{bundle_};
  RowRules rules_{plans_};
};

}  // namespace

std::unique_ptr<EventSink> make_row_rule_sink() {
  return std::make_unique<RowRuleSink>();
}

}  // namespace dpi
