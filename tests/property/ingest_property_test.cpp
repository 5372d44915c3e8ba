// The probe never seals what the database refuses: whatever facts become events, re_raw.ingest
// makes rows of every one of them, and none goes into quarantine. And where a payload is changed
// into one that breaks a rule, the predicate of probe/audit/row_rules.h says what the database
// says. DPI_PROPERTY_SEEDS says how many chains (40), DPI_PROPERTY_FIRST which is the first.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "probe/audit/row_rules.h"
#include "probe/envelope/canonical.h"
#include "probe/envelope/sealer.h"
#include "probe/store/event_database.h"
#include "tests/property/environment.h"
#include "tests/property/mutated_payload.h"
#include "tests/property/random_facts.h"
#include "tests/unit/audit/bundle.h"
#include "tests/unit/store/private_cluster.h"

namespace dpi::test {
namespace {

constexpr std::size_t events_each = 120;

Identity identity(unsigned seed) {
  Identity out;
  out.instance = {1, 2, 3, 4, 5, 6, 0x70, 8, 0x89, 10, 11, 12};
  for (unsigned i = 0; i < 4; ++i)
    out.instance[12 + i] = static_cast<std::uint8_t>(seed >> (24 - 8 * i));
  out.machine = {9, 9, 9, 4, 5, 6, 0x80, 8, 0x89, 10, 11, 12, 13, 14, 15, 16};
  out.boot = {3, 3, 3, 4, 5, 6, 0x40, 8, 0x89, 10, 11, 12, 13, 14, 15, 16};
  out.hostname = "sensor";
  out.version = "1.0.0";
  out.mode = Mode::replay;
  return out;
}

using Change = std::function<std::string(std::string)>;

// What was sealed, by sequence number.
struct SealedChain {
  std::string instance;
  std::vector<std::string> envelopes;
  std::vector<std::string> payloads;
};

// One chain of random events, as one batch; each payload changed.
void ingest_chain(EventDatabase& database, unsigned seed, SealedChain& sealed,
                  const Change& change) {
  SCOPED_TRACE(fmt::format("DPI_PROPERTY_FIRST={} DPI_PROPERTY_SEEDS=1", seed));
  Sealer sealer(identity(seed), SigningKey::from_seed(Digest{7}));
  const PublicKey key = sealer.key().public_key();
  const Uuid instance = sealer.identity().instance;
  const auto enrolled = database.enrol_replay(instance, sealer.identity().machine, key.spki());
  ASSERT_TRUE(enrolled) << enrolled.error().what;
  RandomFacts facts(seed);
  sealed.instance = uuid_text(instance);
  std::vector<std::string>& envelopes = sealed.envelopes;
  std::vector<std::string>& payloads = sealed.payloads;
  const auto seal = [&](std::string_view type, Timestamp at, std::string payload) {
    ASSERT_TRUE(is_canonical_json(payload)) << payload;
    ASSERT_LE(payload.size(), payload_bytes_max) << type;
    payloads.push_back(std::move(payload));
    envelopes.emplace_back(
        sealer.seal({.type = type, .version = 1, .observed_at = at, .payload = payloads.back()},
                    {.emitted_at = facts.time(), .mono_us = payloads.size()}));
  };
  seal("chain.start", facts.time(), RandomFacts::chain_start(key));
  while (payloads.size() < events_each) {
    RandomEvent event = facts.event();
    seal(event.type, event.observed_at, change(std::move(event.payload)));
  }
  SpoolBatch batch;
  batch.next_seq = payloads.size();
  for (std::size_t i = 0; i < payloads.size(); ++i)
    batch.records.push_back(
        {.seq = i, .envelope = as_bytes(envelopes[i]), .payload = as_bytes(payloads[i])});
  const auto answer = database.ingest(instance, batch, sealer.checkpoint(), false);
  ASSERT_TRUE(answer) << answer.error().what;
  ASSERT_EQ(answer->fate, IngestFate::stored) << answer->status << ": " << answer->detail;
}

class IngestPropertyTest : public testing::Test {
 protected:
  void SetUp() override {
    PrivateCluster* const cluster = PrivateCluster::get();
    if (cluster == nullptr)
      GTEST_SKIP() << "PostgreSQL is missing or does not start here (apt-get install postgresql)";
    const std::string name = cluster->create_database();
    auto connection = Postgres::connect(cluster->conninfo(name, "writer"));
    ASSERT_TRUE(connection) << connection.error().what;
    database_.emplace(std::move(*connection));
    admin_ = cluster->conninfo(name, "postgres");
  }

  std::optional<EventDatabase> database_;
  std::string admin_;
  unsigned first_ = environment("DPI_PROPERTY_FIRST", 1);
  unsigned seeds_ = environment("DPI_PROPERTY_SEEDS", 40);
};

TEST_F(IngestPropertyTest, WhateverIsSealedBecomesRows) {
  const BundleCatalogue bundle = bundle_of_the_tree();
  const RowPlans plans(bundle);
  RowRules rules(plans);
  for (unsigned i = 0; i < seeds_ && !HasFatalFailure(); ++i) {
    SealedChain chain;
    ingest_chain(*database_, first_ + i, chain, std::identity{});
    for (std::size_t seq = 0; seq < chain.payloads.size(); ++seq) {
      const auto envelope = parse_envelope(chain.envelopes[seq]);
      ASSERT_TRUE(envelope);
      const auto broken = rules.broken(*envelope, chain.payloads[seq]);
      EXPECT_FALSE(broken) << broken->rule << ": " << broken->detail << ": " << chain.payloads[seq];
    }
  }
  const std::string& admin = admin_;
  EXPECT_EQ(
      ask(admin,
          "select coalesce(string_agg(line, E'\\n'), '') from (select format('%s of %s: %s (%s), "
          "first of seed %s', count(*), event_type, rule, min(detail), "
          "min(right(component_instance_id::text, 8))) as line from re_raw.quarantine "
          "group by event_type, rule order by 1) x"),
      "");
  EXPECT_EQ(
      ask(admin,
          "select string_agg(distinct event_type, ' ' order by event_type) from re_raw.raw_event"),
      "chain.start clock.step config.change dpi.dns dpi.flow dpi.scan health.heartbeat "
      "loss.report probe.start probe.stop worker.crash");
}

// What the database says of one event of a chain: "" when it has rows, else SQLSTATE and rule.
std::map<std::size_t, std::string> quarantined(const std::string& admin,
                                               const std::string& instance) {
  std::map<std::size_t, std::string> out;
  std::istringstream lines(
      ask(admin, fmt::format("select coalesce(string_agg(format('%s %s %s', seq, sqlstate, rule), "
                             "E'\\n'), '') from re_raw.quarantine where "
                             "component_instance_id = '{}'",
                             instance)));
  std::size_t seq = 0;
  std::string rest;
  while (lines >> seq && std::getline(lines >> std::ws, rest)) out[seq] = rest;
  return out;
}

TEST_F(IngestPropertyTest, ThePredicateSaysWhatTheDatabaseSays) {
  const BundleCatalogue bundle = bundle_of_the_tree();
  const RowPlans plans(bundle);
  RowRules rules(plans);
  constexpr std::string_view check_violation = "23514 ";
  std::size_t refused = 0;
  std::set<std::string> met;
  for (unsigned i = 0; i < seeds_ && !HasFatalFailure(); ++i) {
    std::mt19937_64 random(first_ + i);
    SealedChain chain;
    ingest_chain(*database_, first_ + i, chain, [&random](const std::string& payload) {
      std::string out = payload;
      for (std::uint64_t n = random() % 3; n > 0; --n) out = mutated(out, random);
      return out;
    });
    const auto says = quarantined(admin_, chain.instance);
    refused += says.size();
    for (std::size_t seq = 0; seq < chain.payloads.size(); ++seq) {
      const auto envelope = parse_envelope(chain.envelopes[seq]);
      ASSERT_TRUE(envelope);
      const auto broken = rules.broken(*envelope, chain.payloads[seq]);
      const auto found = says.find(seq);
      const std::string theirs = found == says.end() ? "" : found->second;
      EXPECT_EQ(broken.has_value(), !theirs.empty())
          << "the database: " << theirs << ", here: " << (broken ? broken->detail : "") << ": "
          << envelope->event_type << " " << chain.payloads[seq].substr(0, 3000);
      // Which of several rules is met first is the server's; that of the contract may be one.
      if (!broken || !theirs.starts_with(check_violation) ||
          broken->rule == "payload_is_of_contract")
        continue;
      const std::string rule = theirs.substr(check_violation.size());
      met.insert(rule);
      EXPECT_NE((", " + broken->detail + ",").find(", " + rule + ","), std::string::npos)
          << "the database: " << theirs << ", here: " << broken->detail;
    }
  }
  EXPECT_GT(refused, seeds_ * 10) << "hardly anything was refused: nothing was tried";
  EXPECT_GT(met.size(), std::min<std::size_t>(seeds_, 40)) << "few rules were met";
}

}  // namespace
}  // namespace dpi::test
