#include "probe/export/ecs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>

#include "probe/base/time.h"
#include "probe/export/flow_facts.h"
#include "probe/export/forms.h"
#include "probe/export/json_text.h"
#include "probe/export/members.h"

namespace dpi {
namespace {

// The version of the schema whose names these are; all of them have been in it since 8.0.
constexpr std::string_view ecs_version = "8.17.0";

// ECS's own words for what an event is: event.kind, .category and .type.
struct Kind {
  std::string_view event_type;
  std::string_view kind;
  std::string_view category;
  std::string_view type;
};
constexpr auto kinds = std::to_array<Kind>({
    {"dpi.flow", "event", R"(["network"])", R"(["connection"])"},
    {"dpi.dns", "event", R"(["network"])", R"(["protocol"])"},
    {"dpi.scan", "event", R"(["network"])", R"(["info"])"},
    {"health.heartbeat", "metric", R"(["host"])", R"(["info"])"},
    {"probe.start", "event", R"(["process"])", R"(["start"])"},
    {"probe.stop", "event", R"(["process"])", R"(["end"])"},
    {"config.change", "event", R"(["configuration"])", R"(["change"])"},
    {"worker.crash", "event", R"(["process"])", R"(["error"])"},
});
constexpr Kind other_kind{{}, "event", R"(["host"])", R"(["info"])"};

// A list of JSON texts; nothing when there are none.
void write_list(JsonDocument& record, std::string_view path,
                std::initializer_list<std::string_view> values) {
  std::string list;
  for (const std::string_view value : values) {
    if (value.empty() || list.find(value) != std::string::npos) continue;
    (list += list.empty() ? "" : ",") += value;
  }
  if (!list.empty()) ((record.at(path) += '[') += list) += ']';
}

std::string quoted(std::string_view canonical) {
  return canonical.empty() ? std::string{} : fmt::format("\"{}\"", canonical);
}

std::string json_string(std::string_view bytes) {
  std::string out;
  if (!bytes.empty()) append_json_string(out, bytes);
  return out;
}

void write_duration(JsonDocument& record, std::string_view from, std::string_view to) {
  const auto start = parse_time(from);
  const auto end = parse_time(to);
  if (start && end && *end >= *start)
    record.number("event.duration", static_cast<std::uint64_t>((*end - *start).count()));
}

// Answers as objects, and the addresses in them.
struct Answers {
  std::string objects;
  std::string addresses;
};
Answers answers_of(const JsonTree& tree, std::uint32_t records) {
  Answers out;
  for_each_in(tree, records, [&](const JsonNode&, std::uint32_t at) {
    const auto text = [&](std::string_view name) { return text_of(tree, at, name); };
    if (text("section") != "answer") return;
    const std::string data = pct_decoded(text("data"));
    out.objects += out.objects.empty() ? "[{\"class\":\"" : ",{\"class\":\"";
    (out.objects += text("class")) += "\",\"data\":";
    append_json_string(out.objects, data);
    out.objects += ",\"name\":";
    append_json_string(out.objects, pct_decoded(text("name")));
    if (const auto ttl = text_of(tree, at, "ttl", JsonKind::number); !ttl.empty())
      (out.objects += ",\"ttl\":") += ttl;
    ((out.objects += ",\"type\":\"") += text("type")) += "\"}";
    // What is cut is in the generic form of RFC 3597, which begins with a backslash.
    const bool address = text("type") == "A" || text("type") == "AAAA";
    if (!address || data.starts_with('\\')) return;
    out.addresses += out.addresses.empty() ? '[' : ',';
    append_json_string(out.addresses, data);
  });
  return out;
}

}  // namespace

void EcsFormat::append(std::string& out, const ExportedEvent& event) {
  if (event.truth("canary")) return;  // the probe's own test traffic
  record_.clear();
  common(event);
  const bool is_flow = event.type() == "dpi.flow";
  const bool ports = !is_flow || event.text("protocol") == "6" || event.text("protocol") == "17" ||
                     event.text("protocol") == "132";
  write_members(record_, event, {.format = &Mapping::ecs, .wants = [&](std::string_view path) {
                                   return ports ||
                                          (path != "source.port" && path != "destination.port");
                                 }});
  if (is_flow) flow(event);
  if (event.type() == "dpi.dns") dns(event);
  if (event.type() == "dpi.scan") {
    write_list(record_, "related.ip", {quoted(event.text("src_ip")), quoted(event.text("dst_ip"))});
  }
  record_.write(out);
  out += '\n';
}

void EcsFormat::common(const ExportedEvent& event) {
  record_.text("@timestamp", event.said("observed_at"));
  record_.text("ecs.version", ecs_version);
  const auto* const found = std::ranges::find(kinds, event.type(), &Kind::event_type);
  const Kind& kind = found == kinds.end() ? other_kind : *found;
  record_.text("event.kind", kind.kind);
  record_.json("event.category", kind.category);
  if (event.type() != "dpi.flow") record_.json("event.type", kind.type);
  record_.text("event.action", event.type());
  record_.text("event.module", "ransomeye");
  record_.text("event.dataset", fmt::format("ransomeye.{}", event.type()));
  record_.text("event.provider", "ransomeye-dpi");
  record_.text("event.id", event.said("event_id"));
  record_.text("event.hash", event.sha256());
  record_.number("event.sequence", event.seq());
  record_.text("event.created", event.said("emitted_at"));
  record_.text("observer.type", "sensor");
  record_.text("observer.vendor", "RansomEye");
  record_.text("observer.product", "ransomeye-dpi");
  record_.text("observer.version", event.identity("version"));
  record_.bytes("observer.hostname", pct_decoded(event.identity("hostname")));
  record_.text("observer.serial_number", event.said("component_instance_id"));
  write_source(record_, event);
}

void EcsFormat::flow(const ExportedEvent& event) {
  // A flow of several records ends with its last.
  record_.json("event.type",
               event.truth("final") ? R"(["connection","end"])" : R"(["connection","info"])");
  write_duration(record_, event.text("start_at"), event.text("end_at"));
  record_.number("network.bytes", event.number("ip_bytes_src") + event.number("ip_bytes_dst"));
  record_.number("network.packets", event.number("packets_src") + event.number("packets_dst"));
  const FlowFacts facts = flow_facts(event);
  const std::string name = pct_decoded(event.text("server_name"));
  const auto [host, port] = split_host(name);
  if (facts.tls && !name.empty()) record_.bytes("tls.client.server_name", name);
  if (!facts.tls && !host.empty()) record_.bytes("url.domain", host);
  if (!facts.tls && port) record_.number("url.port", *port);
  write_list(record_, "related.ip", {quoted(event.text("src_ip")), quoted(event.text("dst_ip"))});
  write_list(record_, "related.hosts", {json_string(host)});
}

void EcsFormat::dns(const ExportedEvent& event) {
  const bool answered = event.member("response_at") != nullptr;
  record_.text("dns.type", answered ? "answer" : "query");
  write_duration(record_, event.text("query_at"), event.text("response_at"));
  const auto flag = [&](std::string_view member, std::string_view name) {
    return event.truth(member) ? name : std::string_view{};
  };
  write_list(record_, "dns.header_flags",
             {flag("aa", R"("AA")"), flag("tc", R"("TC")"), flag("rd", R"("RD")"),
              flag("ra", R"("RA")"), flag("ad", R"("AD")"), flag("cd", R"("CD")")});
  const JsonTree& tree = event.payload();
  for_each_in(tree, JsonTree::root, [&](const JsonNode& node, std::uint32_t at) {
    if (node.name == "questions" && node.count > 0) {
      const std::string_view type = text_of(tree, at + 1, "class");
      if (!type.empty()) record_.text("dns.question.class", type);
    }
    if (node.name != "records") return;
    const Answers answers = answers_of(tree, at);
    if (!answers.objects.empty()) (record_.at("dns.answers") += answers.objects) += ']';
    if (!answers.addresses.empty()) (record_.at("dns.resolved_ip") += answers.addresses) += ']';
  });
  write_list(record_, "related.ip", {quoted(event.text("src_ip")), quoted(event.text("dst_ip"))});
  write_list(record_, "related.hosts", {json_string(pct_decoded(event.text("qname")))});
}

}  // namespace dpi
