#include "dissectors/dns/nbns.h"
#include "probe/envelope/canonical_writer.h"
#include "probe/envelope/envelope.h"
#include "probe/event/anomaly_list.h"
#include "probe/event/payloads.h"

namespace dpi {
namespace {

std::string type_name(DnsService service, std::uint16_t type) {
  return service == DnsService::nbns ? nbns_type_name(type) : dns_type_name(type);
}

void write_questions(CanonicalWriter& w, const DnsMessage& message, DnsService service) {
  w.key("questions");
  w.begin_array();
  for (const DnsQuestion& q : message.questions) {
    w.begin_object();
    w.member("class", dns_class_name(q.klass));
    w.member("name", q.name);
    w.member("type", type_name(service, q.type));
    w.end_object();
  }
  w.end_array();
}

void write_edns(CanonicalWriter& w, MemberName member, const DnsEdns& edns) {
  if (!edns.present) return;
  w.key(member);
  w.begin_object();
  w.member("do", edns.dnssec_ok);
  w.key("options");
  w.begin_array();
  for (const DnsEdnsOption& option : edns.options) {
    w.begin_object();
    w.member("code", option.code);
    w.member_hex("data", option.data);
    w.end_object();
  }
  w.end_array();
  w.member("udp_size", edns.udp_size);
  w.member("version", edns.version);
  w.end_object();
}

std::size_t write_records(CanonicalWriter& w, const DnsMessage& message, DnsService service) {
  w.key("records");
  w.begin_array();
  const std::size_t start = w.size();
  std::size_t written = 0;
  for (const DnsRecord& r : message.records) {
    const std::size_t comma = written > 0 ? 1 : 0;  // behind the record before
    if (w.size() - start - comma + r.name.size() + r.data.size() + 128 > dns_records_bytes_max)
      break;
    w.begin_object();
    w.member("class", dns_class_name(r.klass));
    w.member("data", r.data);
    if (r.data_truncated) w.member("data_truncated", true);
    w.member("name", r.name);
    w.member("section", dns_section_name(r.section));
    w.member("ttl", r.ttl);
    w.member("type", type_name(service, r.type));
    w.end_object();
    ++written;
  }
  w.end_array();
  return message.records.size() - written + message.records_omitted;
}

}  // namespace

void append_dns_payload(std::string& out, const DnsTransaction& t, bool canary) {
  // The response speaks for the exchange where there is one.
  const DnsMessage& m = t.response ? *t.response : *t.query;
  const DnsMessage& asked = t.message();
  CanonicalWriter w(out);
  w.begin_object();
  w.member("aa", m.flag(dns_flag::aa));
  w.member("ad", m.flag(dns_flag::ad));
  if (t.anomalies.any()) {
    w.key("anomalies");
    w.begin_array();
    for (const std::string_view name : sorted_names(t.anomalies)) w.value(name);
    w.end_array();
  }
  if (canary) w.member("canary", true);
  w.member("cd", m.flag(dns_flag::cd));
  const std::uint8_t protocol =
      t.transport == DnsTransport::udp ? ip_protocol::udp : ip_protocol::tcp;
  w.member("community_id", community_id(t.client, t.server, protocol, false));
  w.member("dst_ip", t.server.address);
  w.member("dst_port", t.server.port);
  write_edns(w, "edns", m.edns.present || !t.query ? m.edns : t.query->edns);
  w.member("id", asked.id);
  if (const DnsMessage& bad = m.malformed ? m : asked; bad.malformed) {
    w.member("malformed_at", bad.malformed_at);
    w.member("malformed_reason", anomaly_name(bad.malformed_reason));
  }
  w.member("opcode", t.service == DnsService::nbns ? nbns_opcode_name(asked.opcode())
                                                   : dns_opcode_name(asked.opcode()));
  w.member("outcome", name(t.outcome));
  // A query whose question cannot be read is told by the answer, which repeats it.
  const DnsMessage& question = asked.questions.empty() ? m : asked;
  if (!question.questions.empty()) {
    w.member("qname", question.questions[0].name);
    w.member("qtype", type_name(t.service, question.questions[0].type));
  }
  w.member("queries", t.queries);
  if (t.query) {
    w.member("query_at", t.query_at);
    w.member("query_bytes", t.query->bytes);
    write_edns(w, "query_edns", t.query->edns);
  }
  write_questions(w, question, t.service);
  w.member("ra", m.flag(dns_flag::ra));
  if (t.response) w.member("rcode", dns_rcode_name(m.rcode()));
  w.member("rd", m.flag(dns_flag::rd));
  if (t.response) {
    const std::size_t omitted = write_records(w, m, t.service);
    if (omitted > 0) w.member("records_omitted", omitted);
    w.member("response_at", t.response_at);
    w.member("response_bytes", t.response->bytes);
  }
  w.member("responses", t.responses);
  if (t.query && t.response && t.response_at >= t.query_at) {
    w.member("rtt_us", static_cast<std::uint64_t>((t.response_at - t.query_at).count() / 1000));
  }
  w.member("service", name(t.service));
  w.member("src_ip", t.client.address);
  w.member("src_port", t.client.port);
  w.member("tc", m.flag(dns_flag::tc));
  w.member("transport", name(t.transport));
  w.end_object();
}

}  // namespace dpi
