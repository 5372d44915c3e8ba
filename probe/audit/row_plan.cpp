#include "probe/audit/row_plan.h"

#include <algorithm>
#include <array>

#include "probe/base/check.h"

namespace dpi {
namespace {

// Columns whose value stands in an object of the payload.
struct Nested {
  std::string_view table, column, object, member;
};
constexpr std::array nested_columns{
    Nested{"re_dpi.dns", "edns_version", "edns", "version"},
    Nested{"re_dpi.dns", "edns_udp_size", "edns", "udp_size"},
    Nested{"re_dpi.dns", "edns_do", "edns", "do"},
    Nested{"re_dpi.dns", "query_edns_version", "query_edns", "version"},
    Nested{"re_dpi.dns", "query_edns_udp_size", "query_edns", "udp_size"},
    Nested{"re_dpi.dns", "query_edns_do", "query_edns", "do"},
    Nested{"re_dpi.probe_start", "head_tree_size", "head_before", "tree_size"},
    Nested{"re_dpi.probe_start", "head_last_hash", "head_before", "last_hash"},
    Nested{"re_dpi.probe_start", "probe_version", "versions", "probe"},
    Nested{"re_dpi.probe_start", "ndpi_version", "versions", "ndpi"},
    Nested{"re_dpi.probe_start", "schema_sha256", "versions", "schema_sha256"},
    Nested{"re_dpi.probe_start", "libpcap_version", "versions", "libpcap"},
    Nested{"re_dpi.probe_start", "openssl_version", "versions", "openssl"},
    Nested{"re_dpi.probe_start", "kernel_version", "versions", "kernel"},
    Nested{"re_dpi.probe_start", "build_sha256", "versions", "build_sha256"},
    Nested{"re_dpi.probe_start", "ndpi_library_sha256", "versions", "ndpi_library_sha256"},
    Nested{"re_dpi.probe_start", "loss_window_from", "loss_window", "from"},
    Nested{"re_dpi.probe_start", "loss_window_to", "loss_window", "to"},
    Nested{"re_dpi.probe_stop", "events_sealed", "totals", "events_sealed"},
    Nested{"re_dpi.probe_stop", "packets_offered", "totals", "packets_offered"},
    Nested{"re_dpi.probe_stop", "flow_records", "totals", "flow_records"},
    Nested{"re_dpi.probe_stop", "dns_transactions", "totals", "dns_transactions"},
};

// Objects of values that stand in NULLable columns and are there together or not at all.
struct Whole {
  std::string_view table, object;
};
constexpr std::array whole_objects{Whole{"re_dpi.probe_start", "loss_window"}};

// Lists whose elements are rows of a table of their own. One that is required is there when its
// object is, were it empty.
struct Listed {
  std::string_view table, object, member, child;
  bool required;
};
constexpr std::array listed_tables{
    Listed{"re_dpi.flow", "", "vlan_ids", "re_dpi.flow_vlan", true},
    Listed{"re_dpi.flow", "", "encapsulations", "re_dpi.flow_encapsulation", true},
    Listed{"re_dpi.flow", "", "risks", "re_dpi.flow_risk", true},
    Listed{"re_dpi.flow", "", "splt", "re_dpi.flow_packet", false},
    Listed{"re_dpi.flow", "", "anomalies", "re_dpi.flow_anomaly", false},
    Listed{"re_dpi.dns", "", "questions", "re_dpi.dns_question", true},
    Listed{"re_dpi.dns", "", "records", "re_dpi.dns_record", false},
    Listed{"re_dpi.dns", "edns", "options", "re_dpi.dns_edns_option", true},
    Listed{"re_dpi.dns", "query_edns", "options", "re_dpi.dns_query_edns_option", true},
    Listed{"re_dpi.dns", "", "anomalies", "re_dpi.dns_anomaly", false},
    Listed{"re_dpi.heartbeat", "", "reasons", "re_dpi.heartbeat_reason", true},
    Listed{"re_dpi.heartbeat", "", "anomalies", "re_dpi.heartbeat_anomaly", true},
    Listed{"re_dpi.heartbeat", "", "interfaces", "re_dpi.heartbeat_interface", true},
    Listed{"re_dpi.heartbeat", "", "events", "re_dpi.heartbeat_event", true},
    Listed{"re_dpi.heartbeat", "", "losses", "re_dpi.heartbeat_loss", true},
    Listed{"re_dpi.loss_report", "", "events", "re_dpi.loss_report_event", true},
    Listed{"re_dpi.config_change", "", "members", "re_dpi.config_change_member", true},
    Listed{"re_dpi.scan", "", "samples", "re_dpi.scan_sample", true},
};

struct Fixed {
  std::string_view column;
  ColumnFrom from;
};
constexpr std::array fixed_columns{
    Fixed{"ingested_at", ColumnFrom::ingested_at},
    Fixed{"component_instance_id", ColumnFrom::instance},
    Fixed{"seq", ColumnFrom::seq},
    Fixed{"tenant_id", ColumnFrom::tenant},
    Fixed{"machine_id", ColumnFrom::machine},
    Fixed{"observed_at", ColumnFrom::observed_at},
    Fixed{"observed_at_ns", ColumnFrom::observed_at_ns},
    Fixed{"position", ColumnFrom::position},
};

// Types that are stored raw and make no rows, of any component that sends events.
constexpr std::array components{"dpi_probe", "linux_agent", "windows_agent"};
constexpr std::array rowless_types{"chain.start", "key.rotate"};

// `total = a + b …`: the columns, in that order.
std::vector<std::size_t> sum_of(const BundleTable& table, std::string_view expression) {
  std::vector<std::size_t> out;
  while (!expression.empty()) {
    constexpr std::string_view between = " \n=+";
    expression.remove_prefix(std::min(expression.find_first_not_of(between), expression.size()));
    const std::size_t end = std::min(expression.find_first_of(between), expression.size());
    if (end == 0) break;
    const auto column = table.column(expression.substr(0, end));
    DPI_CHECK(column.has_value());
    out.push_back(*column);
    expression.remove_prefix(end);
  }
  DPI_CHECK(out.size() >= 2);
  return out;
}

std::size_t object_of(RowPlan& plan, std::string_view name) {
  if (name.empty()) return 0;
  for (const MemberPlan& member : plan.objects.front())
    if (member.name == name) return member.index;
  const std::size_t index = plan.objects.size();
  plan.objects.front().push_back(
      {.name = std::string{name}, .kind = MemberPlan::Kind::object, .index = index});
  plan.objects.emplace_back();
  return index;
}

void add_value(RowPlan& plan, const BundleTable& table, const BundleColumn& column) {
  const auto nested = std::ranges::find_if(nested_columns, [&](const Nested& n) {
    return n.table == table.name && n.column == column.name;
  });
  const bool in_object = nested != nested_columns.end();
  const std::size_t object = object_of(plan, in_object ? nested->object : std::string_view{});
  plan.objects[object].push_back({.name = in_object ? std::string{nested->member} : column.name,
                                  .kind = MemberPlan::Kind::value,
                                  .index = plan.slots++});
}

bool is_own_value(const BundleColumn& column) {
  return std::ranges::find(fixed_columns, column.name, &Fixed::column) == fixed_columns.end();
}

void sort_members(RowPlan& plan) {
  for (auto& object : plan.objects) std::ranges::sort(object, {}, &MemberPlan::name);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> rowless_event_types() {
  std::vector<std::pair<std::string, std::string>> out;
  for (const char* const component : components)
    for (const char* const type : rowless_types) out.emplace_back(component, type);
  return out;
}

RowPlan RowPlans::plan_columns(const BundleTable& table, bool of_values) {
  RowPlan plan;
  plan.table = &table;
  plan.table_index = tables_.size();
  tables_.push_back(&table);
  plan.objects.emplace_back();
  for (const BundleColumn& column : table.columns) {
    PlannedColumn& out = plan.columns.emplace_back();
    out.type = column.type;
    out.not_null = column.not_null;
    DPI_CHECK(column.type != ColumnType::other);
    const auto fixed = std::ranges::find(fixed_columns, column.name, &Fixed::column);
    const PlannedColumn* const before =
        plan.columns.size() > 1 ? &plan.columns[plan.columns.size() - 2] : nullptr;
    if (fixed != fixed_columns.end()) {
      out.from = fixed->from;
    } else if (!column.generated.empty()) {
      out.from = ColumnFrom::sum;
      out.columns = sum_of(table, column.generated);
    } else if (before != nullptr && before->type == ColumnType::timestamptz &&
               before->from == ColumnFrom::member && column.name.ends_with("_ns")) {
      out.from = ColumnFrom::member_ns;
      out.slot = before->slot;
    } else {
      out.slot = plan.slots;
      if (of_values) {
        ++plan.slots;
      } else {
        add_value(plan, table, column);
      }
    }
  }
  constexpr std::size_t event_key = 3;
  for (std::size_t i = event_key; i < table.key.size(); ++i)
    plan.own_key.push_back(table.column(table.key[i]).value_or(0));
  return plan;
}

RowPlan RowPlans::plan_element(const BundleTable& table, bool of_values) {
  RowPlan plan = plan_columns(table, of_values);
  sort_members(plan);
  return plan;
}

RowPlan RowPlans::plan_of(const BundleCatalogue& bundle, const BundleTable& table) {
  RowPlan plan = plan_columns(table, false);
  for (const Listed& listed : listed_tables) {
    if (listed.table != table.name) continue;
    const BundleTable& child = bundle.table(listed.child);
    const bool of_values = std::ranges::count_if(child.columns, is_own_value) == 1;
    const std::size_t object = object_of(plan, listed.object);
    plan.objects[object].push_back({.name = std::string{listed.member},
                                    .kind = MemberPlan::Kind::list,
                                    .index = plan.lists.size()});
    plan.lists.push_back({.element = plan_element(child, of_values),
                          .of_values = of_values,
                          .required = listed.required,
                          .object = object});
  }
  for (const Whole& whole : whole_objects)
    if (whole.table == table.name) plan.whole_objects.push_back(object_of(plan, whole.object));
  sort_members(plan);
  return plan;
}

RowPlans::RowPlans(const BundleCatalogue& bundle) {
  for (const BundleEventType& type : bundle.event_types()) {
    auto plan = plans_.find(type.table);
    if (plan == plans_.end())
      plan = plans_.emplace(type.table, plan_of(bundle, bundle.table(type.table))).first;
    known_.push_back({type.component, type.event_type, type.event_version, &plan->second});
  }
  for (const auto& [component, type] : rowless_event_types())
    known_.push_back({component, type, 1, nullptr});
}

bool RowPlans::knows(std::string_view component, std::string_view type,
                     std::uint32_t version) const {
  return std::ranges::any_of(known_, [&](const Known& k) {
    return k.type == type && k.version == version && k.component == component;
  });
}

const RowPlan* RowPlans::find(std::string_view component, std::string_view type,
                              std::uint32_t version) const {
  const auto at = std::ranges::find_if(known_, [&](const Known& k) {
    return k.type == type && k.version == version && k.component == component;
  });
  return at == known_.end() ? nullptr : at->plan;
}

}  // namespace dpi
