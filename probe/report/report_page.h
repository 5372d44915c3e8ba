// The page of a report: HTML that needs nothing from anywhere, for wide and narrow screens, light
// and dark.
#pragma once

#include <string>
#include <vector>

#include "probe/envelope/chain_verifier.h"
#include "probe/report/found_facts.h"

namespace dpi {

struct ReportProof {
  ChainReport chain;
  Digest last_hash{};
  std::string wrong;  // why it does not hold; empty: it does
};

[[nodiscard]] std::string report_page(const FoundFacts& facts, const ReportProof& proof,
                                      const std::vector<std::string>& captures,
                                      const std::vector<std::string>& warnings);

}  // namespace dpi
