#include "probe/audit/finding.h"

#include <fmt/format.h>

namespace dpi {

std::string finding_text(const Finding& finding) {
  std::string out;
  if (finding.instance) out += uuid_text(*finding.instance) + ' ';
  if (finding.seq) out += fmt::format("sequence {} ", *finding.seq);
  if (!out.empty()) {
    out.pop_back();
    out += ": ";
  }
  if (!finding.where.empty()) out += finding.where + ": ";
  return out + finding.what;
}

void Findings::add(const Finding& finding) {
  ++count_;
  const std::string_view where = finding.where;
  const std::string_view table = where.substr(0, where.find(' '));
  // A hostile catalogue could name objects without end.
  constexpr std::size_t tables_max = 1000;
  auto of = by_table_.find(table);
  if (of == by_table_.end()) {
    if (by_table_.size() >= tables_max) return;
    of = by_table_.emplace(table, 0).first;
  }
  if (++of->second <= shown_max) show_(finding_text(finding));
  if (of->second == shown_max)
    show_(fmt::format("{}: more findings are counted, and no longer shown", table));
}

}  // namespace dpi
