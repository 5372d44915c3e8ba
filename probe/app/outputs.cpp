#include "probe/app/outputs.h"

#include <fmt/format.h>

#include "probe/store/jsonl_sink.h"

namespace dpi {
namespace {

Result<std::unique_ptr<EventSink>> open_output(const std::string& output,
                                               const OutputContext& /*context*/) {
  const std::size_t colon = output.find(':');
  const std::string kind = output.substr(0, colon);
  const std::string rest = colon == std::string::npos ? "" : output.substr(colon + 1);
  if (kind == "jsonl") return open_jsonl_sink(rest.empty() ? "-" : rest);
  return fail(
      Errc::usage,
      fmt::format("--out {}: must be postgres[:CONNINFO], jsonl[:PATH] or spool:DIR", output));
}

}  // namespace

Result<std::vector<std::unique_ptr<EventSink>>> open_outputs(
    const std::vector<std::string>& outputs, const OutputContext& context) {
  std::vector<std::unique_ptr<EventSink>> sinks;
  for (const std::string& output :
       outputs.empty() ? std::vector<std::string>{"jsonl:-"} : outputs) {
    auto sink = open_output(output, context);
    if (!sink) return tl::unexpected(sink.error());
    sinks.push_back(std::move(*sink));
  }
  return sinks;
}

}  // namespace dpi
