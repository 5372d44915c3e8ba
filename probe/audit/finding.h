// What does not hold, said so that somebody can go and look: which chain, which event, which object
// of the database, and what stands there. Texts from the database are made harmless before.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "probe/base/hex.h"

namespace dpi {

struct Finding {
  std::optional<Uuid> instance;
  std::optional<std::uint64_t> seq;
  std::string where;  // table, table.column or another object
  std::string what;
};

[[nodiscard]] std::string finding_text(const Finding& finding);

// Counts all findings and shows the first ones of each table: where everything is wrong, a line per
// row is of no use, and must not hide what is wrong elsewhere.
class Findings {
 public:
  using Show = std::function<void(const std::string& line)>;
  static constexpr std::uint64_t shown_max = 200;
  explicit Findings(Show show) : show_(std::move(show)) {}

  void add(const Finding& finding);
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

 private:
  Show show_;
  std::uint64_t count_ = 0;
  std::map<std::string, std::uint64_t, std::less<>> by_table_;
};

}  // namespace dpi
