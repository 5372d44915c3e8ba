// The probe never seals what the database refuses: whatever facts become events, re_raw.ingest
// makes rows of every one of them, and none goes into quarantine. DPI_PROPERTY_SEEDS says how many
// chains (40), DPI_PROPERTY_FIRST which is the first.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "probe/envelope/canonical.h"
#include "probe/envelope/sealer.h"
#include "probe/store/event_database.h"
#include "tests/property/random_facts.h"
#include "tests/unit/store/private_cluster.h"

namespace dpi::test {
namespace {

constexpr std::size_t events_each = 120;

unsigned environment(const char* name, unsigned otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : otherwise;
}

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

// One chain of random events, as one batch.
void ingest_chain(EventDatabase& database, unsigned seed) {
  SCOPED_TRACE(fmt::format("DPI_PROPERTY_FIRST={} DPI_PROPERTY_SEEDS=1", seed));
  Sealer sealer(identity(seed), SigningKey::from_seed(Digest{7}));
  const PublicKey key = sealer.key().public_key();
  const Uuid instance = sealer.identity().instance;
  const auto enrolled = database.enrol_replay(instance, sealer.identity().machine, key.spki());
  ASSERT_TRUE(enrolled) << enrolled.error().what;
  RandomFacts facts(seed);
  std::vector<std::string> envelopes;
  std::vector<std::string> payloads;
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
    seal(event.type, event.observed_at, std::move(event.payload));
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

TEST(IngestPropertyTest, WhateverIsSealedBecomesRows) {
  PrivateCluster* const cluster = PrivateCluster::get();
  if (cluster == nullptr)
    GTEST_SKIP() << "PostgreSQL is missing or does not start here (apt-get install postgresql)";
  const std::string name = cluster->create_database();
  auto connection = Postgres::connect(cluster->conninfo(name, "writer"));
  ASSERT_TRUE(connection) << connection.error().what;
  EventDatabase database(std::move(*connection));
  const unsigned first = environment("DPI_PROPERTY_FIRST", 1);
  for (unsigned i = 0; i < environment("DPI_PROPERTY_SEEDS", 40) && !HasFatalFailure(); ++i)
    ingest_chain(database, first + i);
  const std::string admin = cluster->conninfo(name, "postgres");
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

}  // namespace
}  // namespace dpi::test
