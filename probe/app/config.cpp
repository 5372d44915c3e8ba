#include "probe/app/config.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <variant>

#include "probe/app/config_values.h"
#include "probe/app/memory_budget.h"
#include "probe/app/suggest.h"
#include "probe/app/version.h"
#include "probe/crypto/digest.h"
#include "probe/envelope/canonical_writer.h"

namespace dpi {
namespace {

// A TOML basic string (TOML 1.0, "String"): control characters only as escapes.
std::string toml_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04X}", unsigned{byte});
    } else {
      if (c == '"' || c == '\\') out.push_back('\\');
      out.push_back(c);
    }
  }
  return out + "\"";
}

using Number = std::uint64_t Config::*;
using Text = std::string Config::*;
using Truth = bool Config::*;

struct Key {
  std::string_view section;
  std::string_view name;
  std::variant<Number, Text, Truth> member;
  bool decides_events;  // part of config_digest
  std::uint64_t min = 0;
  std::uint64_t max = 0;
  std::string_view choices = {};  // of a text, separated by spaces
  bool follows_memory = false;    // its default is for the default of limits.memory_mib
};

constexpr std::uint64_t day_s = 86'400;

// The one list of keys; config/dpi.toml is its documentation and a test compares the two.
const std::array keys = std::to_array<Key>({
    {"limits", "memory_mib", &Config::limits_memory_mib, false, 256, std::uint64_t{1} << 20U},
    {"flow", "flows_max", &Config::flow_flows_max, true, 16, 100'000'000, {}, true},
    {"flow", "idle_tcp_s", &Config::flow_idle_tcp_s, true, 1, day_s},
    {"flow", "idle_other_s", &Config::flow_idle_other_s, true, 1, day_s},
    {"flow", "idle_half_open_s", &Config::flow_idle_half_open_s, true, 1, day_s},
    {"flow", "active_s", &Config::flow_active_s, true, 1, day_s},
    {"flow", "linger_closed_s", &Config::flow_linger_closed_s, true, 1, day_s},
    {"flow", "splt_packets", &Config::flow_splt_packets, true, 0, Splt::packets_max},
    {"flow", "key_vlan", &Config::flow_key_vlan, true},
    {"flow", "key_tunnel", &Config::flow_key_tunnel, true},
    {"flow", "tunnels", &Config::flow_tunnels, true, 0, 0, "inner outer"},
    {"flow", "duplicates", &Config::flow_duplicates, true, 0, 0, "count drop"},
    {"flow", "scan_flows", &Config::flow_scan_flows, true, 0, 1'000'000'000},
    {"fragments", "datagrams_max", &Config::fragments_datagrams_max, true, 1, 1'000'000, {}, true},
    {"fragments",
     "bytes_max",
     &Config::fragments_bytes_max,
     true,
     65'536,
     std::uint64_t{1} << 32U,
     {},
     true},
    {"fragments", "timeout_s", &Config::fragments_timeout_s, true, 1, 3600},
    {"streams",
     "bytes_max",
     &Config::streams_bytes_max,
     true,
     1U << 22U,
     std::uint64_t{1} << 36U,
     {},
     true},
    {"dns", "transactions_max", &Config::dns_transactions_max, true, 16, 10'000'000, {}, true},
    {"dns", "query_timeout_s", &Config::dns_query_timeout_s, true, 1, 3600},
    {"dns", "linger_s", &Config::dns_linger_s, true, 1, 3600},
    {"classify", "tcp_packets", &Config::classify_tcp_packets, true, 1, 32},
    {"classify", "udp_packets", &Config::classify_udp_packets, true, 1, 32},
    {"classify", "other_packets", &Config::classify_other_packets, true, 1, 32},
    {"probe", "instance", &Config::probe_instance, false},
    {"capture", "interfaces", &Config::capture_interfaces, false},
    {"capture", "sockets", &Config::capture_sockets, false, 1, 64},
    {"capture", "ring_mib", &Config::capture_ring_mib, false, 2, 4096},
    {"capture", "snap_bytes", &Config::capture_snap_bytes, false, 0, 262'144},
    {"capture", "batch_packets", &Config::capture_batch_packets, false, 1, 65'536},
    {"capture", "promiscuous", &Config::capture_promiscuous, false},
    {"capture", "outgoing", &Config::capture_outgoing, false},
    {"capture", "filter", &Config::capture_filter, false},
    {"capture", "dpdk", &Config::capture_dpdk, false},
    {"capture", "dpdk_plugin", &Config::capture_dpdk_plugin, false},
    {"capture", "dpdk_queues", &Config::capture_dpdk_queues, false, 1, 64},
    {"capture", "dpdk_huge_pages", &Config::capture_dpdk_huge_pages, false},
    {"workers", "count", &Config::workers_count, false, 1, lane_count},
    {"workers", "cpus", &Config::workers_cpus, false},
    {"workers", "batches", &Config::workers_batches, false, 1, 4096},
    {"workers", "quarantine_dir", &Config::workers_quarantine_dir, false},
    {"workers", "quarantine_files", &Config::workers_quarantine_files, false, 0, 10'000},
    {"heartbeat", "interval_s", &Config::heartbeat_interval_s, true, 1, 3600},
    {"heartbeat", "canary", &Config::heartbeat_canary, false},
    {"signing", "checkpoint_events", &Config::signing_checkpoint_events, true, 1, 8192},
    {"signing", "checkpoint_ms", &Config::signing_checkpoint_ms, false, 10, 60'000},
    {"signing", "key", &Config::signing_key, false},
    {"spool", "dir", &Config::spool_dir, false},
    {"spool", "segment_mib", &Config::spool_segment_mib, false, 1, 1024},
    {"spool", "cap_mib", &Config::spool_cap_mib, false, 16, std::uint64_t{1} << 30U},
    {"spool", "keep_acked_mib", &Config::spool_keep_acked_mib, false, 0, std::uint64_t{1} << 30U},
    {"database", "conninfo", &Config::database_conninfo, false},
    {"export", "enterprise_number", &Config::export_enterprise_number, false, 1, 0xFFFFFFFF},
    {"service", "metrics", &Config::service_metrics, false},
    {"service", "sandbox", &Config::service_sandbox, false},
});

std::string where(const toml::node& node, const std::string& file) {
  const toml::source_region& at = node.source();
  return fmt::format("{}:{}:{}", file, at.begin.line, at.begin.column);
}

bool is_choice(std::string_view choices, std::string_view word) {
  const std::string padded = fmt::format(" {} ", choices);
  return !word.empty() && word.find(' ') == std::string_view::npos &&
         padded.find(fmt::format(" {} ", word)) != std::string::npos;
}

std::string near_section(std::string_view mistyped) {
  std::vector<std::string> names;
  for (const Key& key : keys) names.emplace_back(key.section);
  return suggestion(mistyped, names);
}

// Of the same section; else the same name in another one.
std::string near_key(std::string_view section, std::string_view mistyped) {
  std::vector<std::string> names;
  for (const Key& key : keys) {
    if (key.section == section) names.push_back(fmt::format("{}.{}", key.section, key.name));
  }
  for (const Key& key : keys) {
    if (key.section != section && key.name == mistyped)
      return fmt::format("; did you mean {}.{}?", key.section, key.name);
  }
  return suggestion(fmt::format("{}.{}", section, mistyped), names);
}

// What a file and the command line set; the rest is default.
using Given = std::set<const Key*>;

Result<void> assign(Config& config, const Key& key, const toml::node& value,
                    const std::string& file) {
  const std::string name = fmt::format("{}.{}", key.section, key.name);
  if (const auto* number = std::get_if<Number>(&key.member)) {
    const auto given = value.value_exact<std::int64_t>();
    if (!given || *given < 0 || static_cast<std::uint64_t>(*given) < key.min ||
        static_cast<std::uint64_t>(*given) > key.max) {
      return fail(Errc::usage, fmt::format("{}: {} must be a whole number from {} to {}",
                                           where(value, file), name, key.min, key.max));
    }
    config.*(*number) = static_cast<std::uint64_t>(*given);
    return {};
  }
  if (const auto* truth = std::get_if<Truth>(&key.member)) {
    const auto given = value.value_exact<bool>();
    if (!given)
      return fail(Errc::usage,
                  fmt::format("{}: {} must be true or false", where(value, file), name));
    config.*(*truth) = *given;
    return {};
  }
  const auto given = value.value_exact<std::string>();
  if (!given)
    return fail(Errc::usage, fmt::format("{}: {} must be a string", where(value, file), name));
  if (!key.choices.empty() && !is_choice(key.choices, *given)) {
    return fail(Errc::usage,
                fmt::format("{}: {} must be one of: {}", where(value, file), name, key.choices));
  }
  if (const auto wrong = wrong_value(name, *given))
    return fail(Errc::usage, fmt::format("{}: {} {}", where(value, file), name, *wrong));
  config.*(std::get<Text>(key.member)) = *given;
  return {};
}

Result<void> apply(Config& config, Given& given, const toml::table& document,
                   const std::string& file) {
  for (const auto& [section_key, section] : document) {
    const std::string_view section_name = section_key.str();
    const bool known = std::any_of(keys.begin(), keys.end(),
                                   [&](const Key& k) { return k.section == section_name; });
    if (!known || !section.is_table()) {
      return fail(Errc::usage,
                  fmt::format("{}: unknown section [{}]{}; `config show` lists every key",
                              where(section, file), section_name, near_section(section_name)));
    }
    for (const auto& [name, value] : *section.as_table()) {
      const std::string_view key_name = name.str();
      const auto key = std::find_if(keys.begin(), keys.end(), [&](const Key& k) {
        return k.section == section_name && k.name == key_name;
      });
      if (key == keys.end()) {
        return fail(Errc::usage,
                    fmt::format("{}: unknown key {}.{}{}; `config show` lists every key",
                                where(value, file), section_name, key_name,
                                near_key(section_name, key_name)));
      }
      if (auto assigned = assign(config, *key, value, file); !assigned) return assigned;
      given.insert(&*key);
    }
  }
  return {};
}

// toml++ throws; nothing of it leaves this function.
Result<toml::table> parse(std::string_view text, const std::string& file) {
  try {
    return toml::parse(text, file);
  } catch (const toml::parse_error& e) {
    return fail(Errc::usage, fmt::format("{}:{}:{}: {}", file, e.source().begin.line,
                                         e.source().begin.column, e.description()));
  }
}

// A file that holds nothing is not what anybody wants to run with: it was cut off, or never
// written.
Result<toml::table> parse_file(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return fail(Errc::usage, fmt::format("{}:1:1: is a folder; name the file in it", path));
  }
  try {
    toml::table document = toml::parse_file(path);
    if (document.empty()) {
      return fail(Errc::usage,
                  fmt::format("{}:1:1: sets no key; without -c all of them have their defaults "
                              "(`ransomeye-dpi config show`)",
                              path));
    }
    return document;
  } catch (const toml::parse_error& e) {
    const auto at = e.source().begin;
    if (at.line == 0) return fail(Errc::usage, fmt::format("{}: {}", path, e.description()));
    return fail(Errc::usage,
                fmt::format("{}:{}:{}: {}", path, at.line, at.column, e.description()));
  }
}

// section.key=value; a value that is not TOML is taken as a string.
Result<void> apply_setting(Config& config, Given& given, const std::string& setting) {
  const std::size_t equals = setting.find('=');
  if (equals == std::string::npos || setting.find('.') > equals) {
    return fail(Errc::usage, fmt::format("--set {}: must be section.key=value", setting));
  }
  // Not the value: it may hold a password.
  const std::string source = fmt::format("--set {}", setting.substr(0, equals));
  auto document = parse(setting, source);
  if (!document) {
    document = parse(
        fmt::format("{} = {}", setting.substr(0, equals), toml_quoted(setting.substr(equals + 1))),
        source);
  }
  if (!document) return tl::unexpected(document.error());
  return apply(config, given, *document, source);
}

// The tables' limits that nobody has set: as much larger or smaller as the memory is.
void follow_memory(Config& config, const Given& given) {
  const Config defaults;
  for (const Key& key : keys) {
    if (!key.follows_memory || given.contains(&key)) continue;
    const Number member = std::get<Number>(key.member);
    config.*member = std::clamp(
        defaults.*member * config.limits_memory_mib / defaults.limits_memory_mib, key.min, key.max);
  }
}

// Only whole segments are deleted, and never the last: a spool of few of them could not empty.
Result<void> spool_fits(const Config& config) {
  constexpr std::uint64_t segments_min = 4;
  if (config.spool_segment_mib * segments_min > config.spool_cap_mib) {
    return fail(Errc::usage,
                fmt::format("spool.cap_mib = {} holds no {} segments of spool.segment_mib = {}: "
                            "raise the one or lower the other",
                            config.spool_cap_mib, segments_min, config.spool_segment_mib));
  }
  if (config.spool_keep_acked_mib + config.spool_segment_mib >= config.spool_cap_mib) {
    return fail(Errc::usage,
                fmt::format("spool.keep_acked_mib = {} leaves no room in spool.cap_mib = {} for "
                            "what is not in the database yet: lower it",
                            config.spool_keep_acked_mib, config.spool_cap_mib));
  }
  return {};
}

}  // namespace

PipelineLimits Config::pipeline_limits() const {
  using std::chrono::seconds;
  const auto s = [](std::uint64_t value) { return seconds{static_cast<std::int64_t>(value)}; };
  PipelineLimits limits;
  limits.front.decode.outermost_ip = flow_tunnels == "outer";
  limits.front.key = {.vlan = flow_key_vlan, .tunnel = flow_key_tunnel};
  limits.front.fragments = {.decode = limits.front.decode,
                            .datagrams_max = fragments_datagrams_max,
                            .bytes_max = fragments_bytes_max,
                            .timeout = s(fragments_timeout_s)};
  limits.lanes.flows = {.drop_duplicates = flow_duplicates == "drop",
                        .flows_max = flow_flows_max,
                        .idle_tcp = s(flow_idle_tcp_s),
                        .idle_other = s(flow_idle_other_s),
                        .idle_half_open = s(flow_idle_half_open_s),
                        .active = s(flow_active_s),
                        .linger_closed = s(flow_linger_closed_s),
                        .splt_packets = static_cast<std::uint8_t>(flow_splt_packets)};
  limits.lanes.stream_bytes_max = streams_bytes_max;
  limits.lanes.dns.transactions_max = dns_transactions_max;
  limits.lanes.dns.query_timeout = s(dns_query_timeout_s);
  limits.lanes.dns.linger = s(dns_linger_s);
  return limits;
}

ClassifierLimits Config::classifier_limits() const {
  return {.tcp_packets = static_cast<std::uint32_t>(classify_tcp_packets),
          .udp_packets = static_cast<std::uint32_t>(classify_udp_packets),
          .other_packets = static_cast<std::uint32_t>(classify_other_packets)};
}

std::vector<int> Config::worker_cpus() const {
  std::vector<int> out;
  std::istringstream in(workers_cpus);
  for (int cpu = 0; in >> cpu;) out.push_back(cpu);
  return out;
}

Result<Config> load_config(const std::string& path, const std::vector<std::string>& settings) {
  Config config;
  Given given;
  if (!path.empty()) {
    const auto document = parse_file(path);
    if (!document) return tl::unexpected(document.error());
    if (auto applied = apply(config, given, *document, path); !applied)
      return tl::unexpected(applied.error());
  }
  for (const std::string& setting : settings) {
    if (auto applied = apply_setting(config, given, setting); !applied)
      return tl::unexpected(applied.error());
  }
  follow_memory(config, given);
  if (auto fits = spool_fits(config); !fits) return tl::unexpected(fits.error());
  if (auto fits = MemoryBudget{config, memory_shape(config)}.check(); !fits)
    return tl::unexpected(fits.error());
  return config;
}

std::vector<std::string> changed_keys(const Config& before, const Config& after) {
  std::vector<std::string> out;
  for (const Key& key : keys) {
    const bool same =
        std::visit([&](auto member) { return before.*member == after.*member; }, key.member);
    if (!same) out.push_back(fmt::format("{}.{}", key.section, key.name));
  }
  return out;
}

std::string show_config(const Config& config) {
  std::string out;
  std::string_view section;
  for (const Key& key : keys) {
    if (key.section != section) {
      out += fmt::format("{}[{}]\n", section.empty() ? "" : "\n", key.section);
      section = key.section;
    }
    if (const auto* number = std::get_if<Number>(&key.member)) {
      out += fmt::format("{} = {}\n", key.name, config.*(*number));
    } else if (const auto* truth = std::get_if<Truth>(&key.member)) {
      out += fmt::format("{} = {}\n", key.name, config.*(*truth));
    } else {
      out += fmt::format("{} = {}\n", key.name, toml_quoted(config.*(std::get<Text>(key.member))));
    }
  }
  return out;
}

Digest config_digest(const Config& config, const DigestInputs& inputs) {
  std::map<std::string, const Key*> deciding;  // by name
  for (const Key& key : keys) {
    if (key.decides_events) deciding[fmt::format("{}_{}", key.section, key.name)] = &key;
  }
  std::string text;
  CanonicalWriter w(text);
  w.begin_object();
  w.key("filter");
  w.value(pct_text(as_bytes(inputs.filter)));
  if (inputs.key_id) w.member_hex("key_id", *inputs.key_id);
  if (inputs.merged) w.member("merged", true);
  w.member("ndpi_version", inputs.ndpi_version);
  w.member("probe_version", probe_version);
  w.key("settings");
  w.begin_object();
  for (const auto& [name, key] : deciding) {
    std::visit(
        [&, member_name = MemberName{name}](auto member) { w.member(member_name, config.*member); },
        key->member);
  }
  w.end_object();
  w.end_object();
  return sha256({as_bytes(text)});
}

}  // namespace dpi
