// Two runs compared by what their rows are about, never by position: a flow is its Community ID and
// record number, an exchange its Community ID, DNS id and question. Memory: the rows of the first
// run, and those of the second that differ.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "probe/spec/value.h"

namespace dpi {

enum class RowKind : std::uint8_t { flow, dns, heartbeat };
enum class RowChange : std::uint8_t { added, gone, changed };

inline constexpr std::array<std::string_view, 3> row_kind_names{"flow", "dns", "heartbeat"};
inline constexpr std::array<std::string_view, 3> row_change_names{"new", "gone", "changed"};

struct MemberChange {
  std::string name;
  std::optional<spec::Value> before;  // nothing: the member was absent
  std::optional<spec::Value> after;
};

struct RowDifference {
  RowKind kind = RowKind::flow;
  RowChange change = RowChange::changed;
  spec::Value row;  // the newer one, if there are two
  std::vector<MemberChange> members;
};

struct RunDifferences {
  struct Count {
    std::uint64_t first = 0;
    std::uint64_t second = 0;
    std::uint64_t equal = 0;
  };
  std::array<Count, 3> rows{};               // by kind
  std::vector<RowDifference> differences{};  // by kind, then by key
  [[nodiscard]] bool equal() const noexcept { return differences.empty(); }
};

class RunComparison {
 public:
  // All of the first run, then all of the second.
  void first(std::string_view event_type, std::string_view payload);
  void second(std::string_view event_type, std::string_view payload);
  [[nodiscard]] RunDifferences finish();

 private:
  struct Rows {
    std::unordered_map<std::string, std::uint64_t> first;  // payloads, how often
    std::vector<std::string> second;                       // those that the first has not
  };
  std::array<Rows, 2> rows_;                          // flows, exchanges
  std::array<std::optional<std::string>, 2> ledger_;  // the last heartbeat of each
  RunDifferences out_;
};

}  // namespace dpi
