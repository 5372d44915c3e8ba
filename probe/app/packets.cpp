#include "probe/app/packets.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "capture/bpf_filter.h"
#include "capture/pcapng_writer.h"
#include "probe/app/capture_inputs.h"
#include "probe/app/capture_reader.h"
#include "probe/app/packet_choice.h"
#include "probe/app/pipeline_parts.h"
#include "probe/app/prove.h"
#include "probe/app/report.h"
#include "probe/app/run_rows.h"
#include "probe/app/version.h"
#include "probe/envelope/envelope.h"

namespace dpi {
namespace {

constexpr std::size_t batch_packets = 256;

Result<TimeRange> range_of(const PacketsOptions& options) {
  TimeRange out;
  for (const auto& [name, text, time] :
       {std::tuple{"--from", &options.from, &out.from}, std::tuple{"--to", &options.to, &out.to}}) {
    if (text->empty()) continue;
    const auto parsed = parse_time_loosely(*text);
    if (!parsed) {
      return fail(Errc::usage,
                  fmt::format("{} {}: expected a time as 2026-11-30T10:00:00Z", name, *text));
    }
    *time = *parsed;
  }
  return out;
}

// The flows and exchanges that --events and --event name.
Result<void> choose_events(const Config& config, const PacketsOptions& options,
                           PacketChoice& choice) {
  if (options.events.empty()) return {};
  std::vector<EventChoice> wanted;
  for (const std::string& text : options.choices) {
    const auto parsed = parse_event_choice(text);
    if (!parsed) return tl::unexpected(parsed.error());
    wanted.push_back(*parsed);
  }
  const Nanoseconds behind = std::chrono::seconds{
      static_cast<std::int64_t>(config.dns_query_timeout_s + config.dns_linger_s)};
  std::set<std::size_t> found;
  std::uint64_t added = 0;
  const auto read = read_rows(options.events, [&](const RunRow& row) {
    if (!wanted.empty()) {
      const auto envelope = parse_envelope(row.envelope);
      if (!envelope) return;
      const auto at = std::find_if(wanted.begin(), wanted.end(), [&](const EventChoice& each) {
        return each == EventChoice{envelope->seq} || each == EventChoice{envelope->event_id};
      });
      if (at == wanted.end()) return;
      found.insert(static_cast<std::size_t>(at - wanted.begin()));
    }
    if (choice.add_event(row.event_type, row.payload, behind)) ++added;
  });
  if (!read) return read;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!found.contains(i)) {
      return fail(Errc::input,
                  fmt::format("{}: has no event {}", options.events, options.choices[i]));
    }
  }
  if (added == 0) {
    return fail(
        Errc::input,
        fmt::format("{}: none of the events is about a flow (dpi.flow, dpi.dns)", options.events));
  }
  return {};
}

// Calls each(reader) with every packet at its head.
template <class Each>
Result<void> each_packet(const CaptureInput& input, Each each) {
  auto reader = CaptureReader::open(input, batch_packets);
  if (!reader) return tl::unexpected(reader.error());
  for (;;) {
    const auto more = reader->next_batch();
    if (!more) return tl::unexpected(more.error());
    if (!*more) return {};
    for (; !reader->at_batch_end(); reader->advance()) {
      each(*reader);
    }
    reader->drop_batch();
  }
}

class Extraction {
 public:
  Extraction(const Config& config, PacketChoice choice, BpfFilter filter, bool filtered)
      : choice_(std::move(choice)),
        filter_(std::move(filter)),
        filtered_(filtered),
        front_(config.pipeline_limits().front, {random_seed(), random_seed()}, picker_) {}

  // Which frames of it; then they are copied as they were captured.
  Result<void> take(const CaptureInput& input, PcapngWriter& out) {
    const auto picked = each_packet(input, [this](const CaptureReader& reader) {
      const RawPacket packet = reader.settled_packet();
      if (reader.time().step != Nanoseconds{0}) front_.step_clock(reader.time().step);
      if (filtered_ && !filter_.matches(packet)) return;
      const std::uint64_t decoded = front_.stats().packets.decoded;
      front_.process(packet);
      const bool has_flow = front_.stats().packets.decoded > decoded;
      if (!has_flow && choice_.chosen_without_flow(packet.time)) picker_.pick(packet.frame);
    });
    front_.finish(EndReason::forced);
    const std::vector<bool> frames = picker_.take();
    if (!picked) problems_.push_back(picked.error());
    if (std::find(frames.begin(), frames.end(), true) == frames.end()) return {};
    ++captures_;
    out.source(input.name, "SHA-256 of the capture: " + hex(input.sha256));
    return each_packet(input,
                       [&](const CaptureReader& reader) {
                         const std::uint64_t frame = reader.position();
                         if (frame < frames.size() && frames[frame]) out.add(reader.packet());
                       })
        .or_else([&](const Error&) { return Result<void>{}; });  // told already
  }

  [[nodiscard]] const std::vector<Error>& problems() const noexcept { return problems_; }
  [[nodiscard]] std::uint64_t captures() const noexcept { return captures_; }

 private:
  PacketChoice choice_;
  BpfFilter filter_;
  bool filtered_;
  FramePicker picker_{choice_};
  Front front_;
  std::vector<Error> problems_;
  std::uint64_t captures_ = 0;
};

}  // namespace

int run_packets(const Config& config, const PacketsOptions& options) {
  const auto range = range_of(options);
  if (!range) return report(range.error());
  PacketChoice choice(*range);
  for (const std::string& id : options.community_ids) choice.add_flow(id);
  if (const auto chosen = choose_events(config, options, choice); !chosen)
    return report(chosen.error());
  auto filter = BpfFilter::compile(options.filter);
  if (!filter) return report(filter.error());
  auto inputs = CaptureInputs::open(options.captures);
  if (!inputs) return report(inputs.error());
  const std::string output = options.output == "-" ? "/dev/stdout" : options.output;
  if (const auto may = inputs->may_write(output); !may) return report(may.error());
  auto out = PcapngWriter::open(
      output, fmt::format("taken out of captures by ransomeye-dpi {}", probe_version));
  if (!out) return report(out.error());

  Extraction extraction(config, std::move(choice), std::move(*filter), !options.filter.empty());
  for (const CaptureInput& input : inputs->inputs())
    if (const auto taken = extraction.take(input, *out); !taken) return report(taken.error());
  if (const auto written = out->finish(); !written) return report(written.error());
  int code = exit_done;
  for (const Error& problem : inputs->problems()) code = report(problem);
  for (const Error& problem : extraction.problems()) code = report(problem);
  if (out->packets() == 0) {
    say("no packet of these captures was chosen");
    return exit_input;
  }
  say(fmt::format("{} packets of {} capture{}: {}", out->packets(), extraction.captures(),
                  extraction.captures() == 1 ? "" : "s", options.output));
  return code;
}

}  // namespace dpi
