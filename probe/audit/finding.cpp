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
  if (count_ <= shown_max_) show_(finding_text(finding));
  if (count_ == shown_max_) show_("more findings are counted, no longer shown");
}

}  // namespace dpi
