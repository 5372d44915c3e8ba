#include "probe/app/output_kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "probe/store/conninfo.h"
#include "probe/store/kafka_sink.h"

namespace dpi {
namespace {

struct KindName {
  OutputKind kind;
  std::string_view name;
  std::string_view rest;  // as usage shows it
  bool optional;          // without: standard output, or what the configuration says
};
constexpr auto kind_names = std::to_array<KindName>({
    {OutputKind::postgres, "postgres", "CONNINFO", true},
    {OutputKind::jsonl, "jsonl", "PATH", true},
    {OutputKind::eve, "eve", "PATH", true},
    {OutputKind::ecs, "ecs", "PATH", true},
    {OutputKind::csv, "csv", "FOLDER", false},
    {OutputKind::syslog, "syslog", "tls://HOST", true},
    {OutputKind::ipfix, "ipfix", "PATH", true},
    {OutputKind::kafka, "kafka", "tcp://BROKER/TOPIC", false},
    {OutputKind::spool, "spool", "DIR", false},
});

bool is_stream(OutputKind kind) {
  return kind == OutputKind::jsonl || kind == OutputKind::eve || kind == OutputKind::ecs ||
         kind == OutputKind::ipfix;
}

// RFC 5425, 4.1; RFC 6587 has none registered, 601 is what receivers take.
constexpr DefaultPorts syslog_ports{.tcp = "601", .tls = "6514"};
constexpr DefaultPorts ipfix_ports{.tcp = "4739", .tls = "4740"};  // RFC 7011, 10.3.4
constexpr std::string_view syslog_socket = "/dev/log";

Result<Receiver> one_host(std::string_view text, const DefaultPorts& ports) {
  auto out = parse_receiver(text, ports);
  if (out && (out->hosts.size() > 1 || !out->name.empty()))
    return fail(Errc::usage, fmt::format("{}: takes one host, and nothing behind it", text));
  return out;
}

Result<Receiver> kafka_receiver(std::string_view text) {
  auto out = parse_receiver(text, {.tcp = "9092", .tls = "9093"});
  if (!out || is_kafka_topic(out->name)) return out;
  return fail(Errc::usage,
              fmt::format("--out kafka:{}: needs a topic, tcp://BROKER[,BROKER…]/TOPIC", text));
}

Result<Receiver> syslog_receiver(const std::string& rest) {
  if (names_receiver(rest)) return one_host(rest, syslog_ports);
  Receiver out;
  out.transport = Transport::datagram;
  out.name = rest.empty() ? syslog_socket : rest;
  if (out.name.starts_with('/')) return out;
  return fail(Errc::usage, fmt::format("--out syslog:{}: must be the path of a socket, "
                                       "tls://HOST[:PORT] or tcp://HOST[:PORT]",
                                       rest));
}

}  // namespace

std::string output_usage(OutputUse use) {
  std::string out;
  for (const KindName& kind : kind_names) {
    if (!out.empty()) out += &kind == &kind_names.back() ? " or " : ", ";
    out += kind.name;
    if (kind.kind == OutputKind::spool && use == OutputUse::live) continue;
    out += fmt::format(fmt::runtime(kind.optional ? "[:{}]" : ":{}"), kind.rest);
  }
  return out;
}

Result<Output> parse_output(std::string_view text, OutputUse use) {
  const std::string whole{text};
  if (names_postgres(whole)) return Output{OutputKind::postgres, conninfo_of(whole)};
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  std::string rest{colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1)};
  const auto* const found = std::ranges::find(kind_names, name, &KindName::name);
  if (found == kind_names.end()) {
    return fail(Errc::usage, fmt::format("--out {}: must be {}", name, output_usage(use)));
  }
  if (found->kind == OutputKind::spool && use == OutputUse::live) {
    if (rest.empty()) return Output{found->kind, {}};
    return fail(
        Errc::usage,
        fmt::format("--out {}: a live probe's spool is below spool.dir; --out spool", name));
  }
  if (rest.empty() && !found->optional) {
    const std::string_view lacks = found->kind == OutputKind::kafka ? "a topic" : "a folder";
    return fail(Errc::usage,
                fmt::format("--out {0}: needs {1}, {0}:{2}", name, lacks, found->rest));
  }
  if (rest.empty() && is_stream(found->kind)) rest.push_back('-');
  if (found->kind == OutputKind::syslog) {
    auto receiver = syslog_receiver(rest);
    if (!receiver) return tl::unexpected(receiver.error());
    return Output{found->kind, std::move(rest), std::move(*receiver)};
  }
  if (found->kind == OutputKind::kafka) {
    auto receiver = kafka_receiver(rest);
    if (!receiver) return tl::unexpected(receiver.error());
    return Output{found->kind, std::move(rest), std::move(*receiver)};
  }
  if (found->kind == OutputKind::ipfix && names_receiver(rest)) {
    auto receiver = one_host(rest, ipfix_ports);
    if (!receiver) return tl::unexpected(receiver.error());
    return Output{found->kind, std::move(rest), std::move(*receiver)};
  }
  return Output{found->kind, std::move(rest)};
}

std::optional<std::filesystem::path> written_path(const Output& output) {
  const bool writes = output.kind == OutputKind::csv || is_stream(output.kind);
  if (!writes || output.receiver || output.rest == "-") return std::nullopt;
  return output.rest;
}

}  // namespace dpi
