// `replay --report FILE.html`: one page, complete in itself, of what a replay found. It gets the
// events as they are sealed and checks them as an auditor would, so that what the page calls proved
// has been: payload hashes, links, tree and signatures.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "probe/envelope/chain_verifier.h"
#include "probe/report/found_facts.h"
#include "probe/store/event_sink.h"

namespace dpi {

class ReplayReport {
 public:
  // One of the replay's sinks; it outlives neither the report nor the recorder.
  [[nodiscard]] std::unique_ptr<EventSink> sink();
  // Of the captures' names as they were given, and of the lines that the replay said about them.
  [[nodiscard]] std::string page(const std::vector<std::string>& captures,
                                 const std::vector<std::string>& warnings) const;

 private:
  class Sink;
  FoundFacts facts_;
  ExportedEvent event_;
  ChainVerifier verifier_;
  std::string wrong_;  // what the verifier said first
};

}  // namespace dpi
