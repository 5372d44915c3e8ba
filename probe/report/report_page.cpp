#include "probe/report/report_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "probe/base/hex.h"
#include "probe/crypto/digest.h"
#include "probe/report/html_text.h"
#include "probe/report/page_assets.h"
#include "probe/report/traffic_plot.h"

namespace dpi {
namespace {

constexpr std::size_t rows_max = 100;

// A table whose columns sort; a row more than rows_max is only counted.
class Table {
 public:
  struct Column {
    std::string_view title;
    bool number = false;
  };

  Table(std::string& out, std::string_view id, std::string_view title,
        std::initializer_list<Column> columns)
      : out_(out) {
    out_ += fmt::format(
        "<section aria-labelledby=\"{0}\"><h2 id=\"{0}\">{1}</h2>\n"
        "<div class=\"scroll\"><table><thead><tr>",
        id, title);
    for (const Column& column : columns)
      out_ += fmt::format("<th scope=\"col\"{}><button type=\"button\">{}</button></th>",
                          column.number ? " class=\"n\"" : "", column.title);
    out_ += "</tr></thead>\n<tbody>\n";
  }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;
  ~Table() {
    out_ += "</tbody></table></div>\n";
    if (left_out_ > 0)
      out_ += fmt::format("<p class=\"quiet\">and {} more</p>\n", html_number(left_out_));
    out_ += "</section>\n";
  }

  // False: there is no room for another one.
  bool begin_row() {
    if (rows_ == rows_max) {
      ++left_out_;
      return false;
    }
    ++rows_;
    out_ += "<tr>";
    return true;
  }
  void end_row() { out_ += "</tr>\n"; }
  void name(std::string_view text) {
    out_ += fmt::format("<td class=\"name\">{}</td>", html_text(text));
  }
  void number(std::uint64_t number) {
    out_ += fmt::format("<td class=\"n\" data-v=\"{}\">{}</td>", number, html_number(number));
  }
  void bytes(std::uint64_t number) {
    out_ += fmt::format("<td class=\"n\" data-v=\"{}\">{}</td>", number,
                        html_bytes(static_cast<double>(number)));
  }
  // Of what belongs to the greatest one.
  void share(std::uint64_t part, std::uint64_t whole) {
    out_ += fmt::format(
        "<td data-v=\"{0}\"><meter min=\"0\" max=\"{1}\" value=\"{0}\">{2:.1f} %</meter></td>",
        part, std::max<std::uint64_t>(whole, 1),
        whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole));
  }

 private:
  std::string& out_;
  std::size_t rows_ = 0;
  std::uint64_t left_out_ = 0;
};

void tile(std::string& out, const std::string& value, std::string_view what) {
  out += fmt::format("<li><b>{}</b> {}</li>\n", value, what);
}

std::string seconds_of(std::string_view time) {
  return time.empty() ? std::string{"-"} : fmt::format("{}Z", time.substr(0, 19));
}

void write_head(std::string& out, const FoundFacts& facts,
                const std::vector<std::string>& captures) {
  const std::string policy = fmt::format(
      "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; "
      "base-uri 'none'; form-action 'none'",
      base64(sha256({as_bytes(page_style())})), base64(sha256({as_bytes(page_script())})));
  const std::string first =
      captures.empty() ? std::string{}
                       : html_text(std::filesystem::path(captures.front()).filename().string());
  const std::string title =
      captures.size() < 2 ? first : fmt::format("{} and {} more", first, captures.size() - 1);
  out += fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>Replay of {}</title>\n<style>{}</style>\n</head>\n<body>\n<header>\n"
      "<h1>Replay of {}</h1>\n<p class=\"quiet\">{} to {} (times of the packets, "
      "UTC)</p>\n</header>\n"
      "<main>\n",
      policy, title, page_style(), title, seconds_of(facts.first_at), seconds_of(facts.last_at));
}

std::uint64_t in_ledger(const FoundFacts& facts, std::string_view member) {
  for (const auto& [name, number] : facts.ledger)
    if (name == member) return number;
  return 0;
}

void write_proof(std::string& out, const ReportProof& proof) {
  if (!proof.wrong.empty()) {
    out += fmt::format("<p class=\"fails\"><b>Not proved:</b> {}</p>\n", html_text(proof.wrong));
    return;
  }
  out += fmt::format(
      "<p class=\"holds\"><b>Proved:</b> {} events of one chain, each with its payload's hash and "
      "linked to the one before; {} over their Merkle tree. Checked while this "
      "page was made.</p>\n",
      html_number(proof.chain.events),
      proof.chain.checkpoints == 1 ? std::string{"a signed checkpoint"}
                                   : html_number(proof.chain.checkpoints) + " signed checkpoints");
}

void write_tiles(std::string& out, const FoundFacts& facts) {
  out += "<ul class=\"tiles\">\n";
  tile(out, html_number(in_ledger(facts, "packets_offered")), "packets");
  tile(out, html_bytes(static_cast<double>(facts.bytes)), "IP bytes in flows");
  tile(out, html_number(facts.flow_records), "flow records");
  tile(out, html_number(facts.exchanges), "DNS exchanges");
  tile(out, html_number(facts.hosts.size()), "hosts that opened flows");
  tile(out, html_number(facts.risks.size()), "kinds of risks");
  if (facts.scans > 0) tile(out, html_number(facts.scans), "scans or floods");
  out += "</ul>\n";
}

void write_traffic(std::string& out, const FoundFacts& facts) {
  const std::string plot = traffic_plot(facts.traffic);
  if (plot.empty()) return;
  out +=
      "<section aria-labelledby=\"traffic\"><h2 id=\"traffic\">Traffic</h2>\n<div "
      "class=\"scroll\">" +
      plot +
      "</div>"
      "<p class=\"key quiet\"><span class=\"src\"></span> from those who opened the flows "
      "<span class=\"dst\"></span> to them; a flow's bytes are spread evenly over its time</p>\n"
      "</section>\n";
}

void write_totals(std::string& out, std::string_view id, std::string_view title,
                  std::string_view what, const Tally& tally) {
  if (tally.empty()) return;
  Table table(out, id, title,
              {{what},
               {"Share"},
               {"Bytes", true},
               {"Sent", true},
               {"Received", true},
               {"Packets", true},
               {"Flows", true},
               {"First event", true}});
  const auto ranking = tally.ranking();
  for (const auto& [name, totals] : ranking) {
    if (!table.begin_row()) continue;
    table.name(name);
    table.share(totals->bytes(), ranking.front().totals->bytes());
    table.bytes(totals->bytes());
    table.bytes(totals->bytes_src);
    table.bytes(totals->bytes_dst);
    table.number(totals->packets);
    table.number(totals->events);
    table.number(totals->first_seq);
    table.end_row();
  }
}

void write_counts(std::string& out, std::string_view id, std::string_view title,
                  std::string_view what, std::string_view of, const Tally& tally) {
  if (tally.empty()) return;
  Table table(out, id, title, {{what}, {of, true}, {"First event", true}});
  for (const auto& [name, totals] : tally.ranking()) {
    if (!table.begin_row()) continue;
    table.name(name);
    table.number(totals->events);
    table.number(totals->first_seq);
    table.end_row();
  }
}

void write_questions(std::string& out, const FoundFacts& facts) {
  if (facts.questions.empty()) return;
  Table table(out, "questions", "Names asked of DNS",
              {{"Name"}, {"Exchanges", true}, {"Answered", true}, {"First event", true}});
  for (const auto& [name, totals] : facts.questions.ranking()) {
    if (!table.begin_row()) continue;
    table.name(name);
    table.number(totals->events);
    table.number(totals->answered);
    table.number(totals->first_seq);
    table.end_row();
  }
}

void write_flows(std::string& out, const FoundFacts& facts) {
  if (facts.largest.empty()) return;
  Table table(out, "flows", "Largest flow records",
              {{"Began"},
               {"From"},
               {"To"},
               {"Transport"},
               {"Application"},
               {"Name"},
               {"State"},
               {"Bytes", true},
               {"Packets", true},
               {"Event", true},
               {"Its SHA-256"}});
  for (const FoundFlow& flow : facts.largest) {
    table.begin_row();
    table.name(seconds_of(flow.start_at));
    table.name(flow.from);
    table.name(flow.to);
    table.name(flow.transport);
    table.name(flow.app);
    table.name(flow.name);
    table.name(flow.state);
    table.bytes(flow.bytes);
    table.number(flow.packets);
    table.number(flow.seq);
    out += fmt::format("<td class=\"hash\" title=\"{}\">{}…</td>", html_text(flow.sha256),
                       html_text(std::string_view{flow.sha256}.substr(0, 12)));
    table.end_row();
  }
}

void write_ledger(std::string& out, const FoundFacts& facts,
                  const std::vector<std::string>& warnings) {
  if (!facts.ledger.empty()) {
    Table table(out, "ledger", "Where every packet went",
                {{"Of the last heartbeat"}, {"Packets", true}});
    for (const auto& [name, number] : facts.ledger) {
      table.begin_row();
      table.name(name);
      table.number(number);
      table.end_row();
    }
  }
  if (warnings.empty()) return;
  out +=
      "<section aria-labelledby=\"warnings\"><h2 id=\"warnings\">What was wrong with the captures"
      "</h2>\n<ul>\n";
  for (const std::string& warning : warnings)
    out += fmt::format("<li>{}</li>\n", html_text(warning));
  out += "</ul></section>\n";
}

void entry(std::string& out, std::string_view what, std::string_view value) {
  if (!value.empty())
    out += fmt::format("<dt>{}</dt><dd class=\"hash\">{}</dd>\n", what, html_text(value));
}

void write_chain(std::string& out, const FoundFacts& facts, const ReportProof& proof,
                 const std::vector<std::string>& captures) {
  const std::string instance = uuid_text(proof.chain.instance);
  out += "<section aria-labelledby=\"chain\"><h2 id=\"chain\">The chain</h2>\n<dl>\n";
  entry(out, "Instance", instance);
  entry(out, "Events", fmt::format("{}", proof.chain.events));
  entry(out, "Root of their Merkle tree", hex(proof.chain.root));
  entry(out, "Hash of the last one", hex(proof.last_hash));
  for (const Digest& key : proof.chain.key_ids) entry(out, "Signed with the key", hex(key));
  entry(out, "Configuration", facts.config_sha256);
  entry(out, "Schema bundle", facts.schema_sha256);
  entry(out, "Made by",
        fmt::format("ransomeye-dpi {}, nDPI {}", facts.probe_version, facts.ndpi_version));
  out +=
      "</dl>\n<p>Every number above is added up from events of this chain. The same captures, "
      "configuration and versions give the same chain again, byte by byte:</p>\n<pre><code>";
  std::string command = "ransomeye-dpi replay";
  for (const std::string& capture : captures) command += " " + capture;
  out += html_text(command +
                   " --out jsonl:chain.jsonl\n"
                   "ransomeye-dpi verify chain.jsonl\n"
                   "ransomeye-dpi verify chain.jsonl --prove EVENT > event.proof");
  out += "</code></pre></section>\n";
}

}  // namespace

std::string report_page(const FoundFacts& facts, const ReportProof& proof,
                        const std::vector<std::string>& captures,
                        const std::vector<std::string>& warnings) {
  std::string out;
  write_head(out, facts, captures);
  write_proof(out, proof);
  write_tiles(out, facts);
  write_traffic(out, facts);
  write_totals(out, "applications", "Applications", "Application", facts.applications);
  write_totals(out, "hosts", "Hosts that opened flows", "Address", facts.hosts);
  write_totals(out, "names", "Servers by name", "Name", facts.names);
  write_questions(out, facts);
  out += "<div class=\"columns\">\n";
  write_counts(out, "outcomes", "DNS outcomes", "Outcome", "Exchanges", facts.outcomes);
  write_counts(out, "risks", "Risks", "nDPI's name", "Flow records", facts.risks);
  write_counts(out, "anomalies", "Anomalies", "Name", "Facts", facts.anomalies);
  out += "</div>\n";
  write_flows(out, facts);
  write_ledger(out, facts, warnings);
  write_chain(out, facts, proof, captures);
  out += fmt::format("</main>\n<script>{}</script>\n</body>\n</html>\n", page_script());
  return out;
}

}  // namespace dpi
