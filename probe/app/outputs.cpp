#include "probe/app/outputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "probe/app/output_kind.h"
#include "probe/export/export_sink.h"
#include "probe/export/ipfix.h"
#include "probe/export/ipfix_file.h"
#include "probe/export/syslog.h"
#include "probe/service/log.h"
#include "probe/store/conninfo.h"
#include "probe/store/jsonl_sink.h"
#include "probe/store/kafka_sink.h"
#include "probe/store/network_sink.h"
#include "probe/store/postgres_sink.h"
#include "probe/store/side_sink.h"
#include "probe/store/spool_sink.h"

namespace dpi {
namespace {

using namespace std::chrono_literals;

SpoolOptions spool_options(const Config& config) {
  return {.segment_bytes = config.spool_segment_mib << 20U,
          .cap_bytes = config.spool_cap_mib << 20U};
}

Result<std::unique_ptr<EventSink>> open_spool(const std::string& folder,
                                              const OutputContext& context) {
  auto writer = open_new_spool(folder, context.identity.instance, spool_options(context.config));
  if (!writer) return tl::unexpected(writer.error());
  return std::make_unique<SpoolSink>(std::move(*writer));
}

Result<ShipTarget> ship_target(const std::string& given, const OutputContext& context) {
  const std::string& conninfo = given.empty() ? context.config.database_conninfo : given;
  if (const auto parsed = parse_conninfo(conninfo); !parsed) return tl::unexpected(parsed.error());
  return ShipTarget{.conninfo = conninfo,
                    .instance = context.identity.instance,
                    .machine = context.identity.machine,
                    .spki = context.key.spki(),
                    .replay = context.identity.mode == Mode::replay};
}

// Each database gets the chain out of a spool of its own: the n-th of them.
Result<std::unique_ptr<EventSink>> open_postgres(const std::string& conninfo,
                                                 const OutputContext& context, std::size_t nth) {
  const auto root = spool_root(context.config);
  if (!root) return tl::unexpected(root.error());
  PostgresSinkOptions options;
  auto target = ship_target(conninfo, context);
  if (!target) return tl::unexpected(target.error());
  options.target = std::move(*target);
  options.spool_folder = *root / "replay" / uuid_text(context.identity.instance);
  if (nth > 0) options.spool_folder += fmt::format(".{}", nth + 1);
  options.spool = spool_options(context.config);
  return open_postgres_sink(std::move(options));
}

// The kinds that replay and run open alike; but a replay's JSON lines are one whole chain.
Result<std::unique_ptr<FollowedSink>> open_derived(const Output& output, const Config& config,
                                                   const Uuid& instance, AppendFile::Begin jsonl,
                                                   const Patience& waits) {
  switch (output.kind) {
    case OutputKind::kafka:
      return open_kafka_sink(*output.receiver, instance, waits);
    case OutputKind::ipfix: {
      const auto number = static_cast<std::uint32_t>(config.export_enterprise_number);
      if (!output.receiver) return open_ipfix_sink(output.rest, number);
      auto format = IpfixFormat::make(number);
      if (!format) return tl::unexpected(format.error());
      return open_network_sink(*output.receiver, std::move(*format), waits);
    }
    case OutputKind::syslog: {
      const auto framing = output.receiver->transport == Transport::datagram
                               ? SyslogFraming::none
                               : SyslogFraming::octet_counting;
      return open_network_sink(
          *output.receiver,
          std::make_unique<SyslogFormat>(framing, config.export_enterprise_number), waits);
    }
    case OutputKind::eve:
      return open_eve_sink(output.rest);
    case OutputKind::ecs:
      return open_ecs_sink(output.rest);
    case OutputKind::csv:
      return open_csv_sink(output.rest);
    default:
      return open_jsonl_sink(output.rest, jsonl);
  }
}

Result<std::unique_ptr<EventSink>> open_output(const std::string& text,
                                               const OutputContext& context,
                                               std::size_t& databases) {
  const auto output = parse_output(text, OutputUse::replay);
  if (!output) return tl::unexpected(output.error());
  if (output->kind == OutputKind::spool) return open_spool(output->rest, context);
  if (output->kind == OutputKind::postgres)
    return open_postgres(output->rest, context, databases++);
  static const Patience unhurried;  // a replay is ended by its receivers' own limits
  return open_derived(*output, context.config, context.identity.instance, AppendFile::Begin::anew,
                      unhurried);
}

void say_failed(const Error& error) {
  log_state({.level = LogLevel::error,
             .event = "output_failed",
             .message = error.what + "; the other outputs go on"});
}

void say_news(const FollowerNews& news) {
  switch (news.kind) {
    case FollowerNews::Kind::failed:
      log_state({.level = LogLevel::error,
                 .event = "output_failed",
                 .message = news.what + "; the probe goes on, and what is missing there is kept in "
                                        "the spool and written when it works again"});
      return;
    case FollowerNews::Kind::works:
      log_state({.level = LogLevel::notice, .event = "output_works", .message = news.what});
      return;
    case FollowerNews::Kind::gap:
      log_state({.level = LogLevel::warning, .event = "output_gap", .message = news.what});
      return;
  }
}

// A sensor has one spool, and that is shipped to one database.
Result<void> require_one_database(const std::vector<std::string>& outputs) {
  if (std::count_if(outputs.begin(), outputs.end(), names_postgres) <= 1) return {};
  return fail(Errc::usage,
              "--out postgres: only one can be given; let the database replicate what a second is "
              "to hold");
}

Result<std::unique_ptr<SpoolFollower>> open_follower(const std::string& text, const Output& output,
                                                     const LiveOutputs& outputs,
                                                     const Config& config, const Uuid& instance) {
  LiveSink* const chain = outputs.chain;
  FollowerPatience patience;
  if (output.receiver) patience = {.try_again_max = 30s, .ending = 1s};
  return SpoolFollower::open({.spool = outputs.spool,
                              .output = text,
                              .positioned = output.receiver || written_path(output),
                              .begin = chain->stored().durable_seq,
                              .open =
                                  [output, &config, instance](const Patience& waits) {
                                    return open_derived(output, config, instance,
                                                        AppendFile::Begin::behind, waits);
                                  },
                              .durable = [chain] { return chain->durable_commit(); },
                              .say = say_news,
                              .patience = patience});
}

}  // namespace

Result<LiveOutputs> open_live_outputs(const std::vector<std::string>& outputs,
                                      const OutputContext& context) {
  if (auto one = require_one_database(outputs); !one) return tl::unexpected(one.error());
  const auto root = spool_root(context.config);
  if (!root) return tl::unexpected(root.error());
  LiveOutputs out;
  out.spool = *root / uuid_text(context.identity.instance);
  LiveSinkOptions chain;
  chain.folder = out.spool;
  chain.instance = context.identity.instance;
  chain.spool = spool_options(context.config);
  chain.keep_acked_bytes = context.config.spool_keep_acked_mib << 20U;
  std::vector<std::pair<std::string, Output>> lines;
  for (const std::string& text : outputs) {
    const auto output = parse_output(text, OutputUse::live);
    if (!output) return tl::unexpected(output.error());
    if (output->kind == OutputKind::postgres) {
      auto target = ship_target(output->rest, context);
      if (!target) return tl::unexpected(target.error());
      chain.target = std::move(*target);
    } else if (output->kind != OutputKind::spool) {
      lines.emplace_back(text, *output);
    }
  }
  auto live = LiveSink::open(std::move(chain));
  if (!live) return tl::unexpected(live.error());
  out.chain = live->get();
  out.sinks.push_back(std::move(*live));
  for (const auto& [text, output] : lines) {
    auto follower = open_follower(text, output, out, context.config, context.identity.instance);
    if (!follower) return tl::unexpected(follower.error());
    out.chain->add_follower(std::move(*follower));
  }
  return out;
}

Result<std::uint64_t> count_followers(const std::vector<std::string>& outputs) {
  std::set<std::filesystem::path> written;
  std::uint64_t count = 0;
  for (const std::string& text : outputs) {
    const auto output = parse_output(text, OutputUse::live);
    if (!output) return tl::unexpected(output.error());
    if (output->kind == OutputKind::postgres || output->kind == OutputKind::spool) continue;
    ++count;
    const auto path = output->receiver
                          ? std::filesystem::path{text}
                          : std::filesystem::absolute(written_path(*output).value_or("-"));
    if (!written.insert(path.lexically_normal()).second)
      return fail(Errc::usage, fmt::format("--out {}: another output writes there already", text));
  }
  return count;
}

Result<std::filesystem::path> spool_root(const Config& config) {
  if (!config.spool_dir.empty()) return std::filesystem::path{config.spool_dir};
  if (const char* const state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/') {
    return std::filesystem::path{state} / "ransomeye-dpi/spool";
  }
  if (const char* const home = std::getenv("HOME"); home != nullptr && *home == '/') {
    return std::filesystem::path{home} / ".local/state/ransomeye-dpi/spool";
  }
  return fail(Errc::usage, "no folder for the spool: set spool.dir or HOME");
}

Result<std::vector<std::unique_ptr<EventSink>>> open_outputs(
    const std::vector<std::string>& outputs, const OutputContext& context) {
  std::vector<std::unique_ptr<EventSink>> sinks;
  std::size_t databases = 0;
  for (const std::string& output :
       outputs.empty() ? std::vector<std::string>{"jsonl:-"} : outputs) {
    auto sink = open_output(output, context, databases);
    if (!sink) return tl::unexpected(sink.error());
    sinks.push_back(outputs.size() > 1 ? beside(std::move(*sink), say_failed) : std::move(*sink));
  }
  return sinks;
}

}  // namespace dpi
