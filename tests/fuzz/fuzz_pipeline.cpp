// Any bytes as a capture file through the whole data path, nDPI included: every packet is in one
// bucket, every decoded one in one flow record, every message in one row, and every payload is
// canonical JSON of which the database makes rows.
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "capture/file_source.h"
#include "probe/audit/row_rules.h"
#include "probe/base/check.h"
#include "probe/envelope/canonical.h"
#include "probe/envelope/envelope.h"
#include "probe/event/payloads.h"
#include "probe/pipeline/pipeline.h"
#include "tests/unit/audit/bundle.h"

namespace {

constexpr std::size_t packets_max = 2'000;

// Whether the database makes rows of a payload.
class Rows {
 public:
  void require(std::string_view type, dpi::Timestamp observed_at, const std::string& payload) {
    DPI_CHECK(dpi::is_canonical_json(payload) && payload.size() <= dpi::payload_bytes_max);
    envelope_.component = "dpi_probe";
    envelope_.event_type = type;
    envelope_.event_version = 1;
    envelope_.observed_at = observed_at;
    DPI_CHECK(!rules_.broken(envelope_, payload));
  }

 private:
  dpi::BundleCatalogue bundle_ = dpi::bundle_of_the_tree();
  dpi::RowPlans plans_{bundle_};
  dpi::RowRules rules_{plans_};
  dpi::Envelope envelope_;
};

class Counts final : public dpi::PipelineObserver {
 public:
  void flow(dpi::FactNumber, const dpi::Flow& flow, dpi::EndReason reason, bool final,
            const dpi::Verdict& verdict, const dpi::AppMetadata* metadata) override {
    packets += flow.sides[0].packets + flow.sides[1].packets;
    std::string payload;
    dpi::append_flow_payload(payload, flow, reason, final, verdict, metadata);
    rows_.require("dpi.flow", flow.end_at, payload);
  }
  void dns(dpi::FactNumber, const dpi::DnsTransaction& transaction) override {
    messages += transaction.queries + transaction.responses;
    std::string payload;
    dpi::append_dns_payload(payload, transaction);
    rows_.require("dpi.dns", transaction.last_at, payload);
  }
  void tick(dpi::FactNumber, dpi::Timestamp, const dpi::PipelineStats&) override {}
  void capture_ended(dpi::FactNumber, const dpi::PipelineStats&) override {}
  std::uint64_t packets = 0;
  std::uint64_t messages = 0;

 private:
  Rows rows_;
};

// One module for all inputs: making one costs more than an input.
std::unique_ptr<dpi::Classifier> classifier() {
  auto opened = dpi::open_ndpi_classifier({});
  DPI_CHECK(opened.has_value());
  return std::move(*opened);
}

std::unique_ptr<dpi::PacketSource> open_bytes(dpi::Bytes bytes) {
  const int fd = ::memfd_create("fuzz", MFD_CLOEXEC);
  DPI_CHECK(fd >= 0);
  DPI_CHECK(::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  DPI_CHECK(::lseek(fd, 0, SEEK_SET) == 0);
  auto source = dpi::open_file_source(fd, "fuzz");
  DPI_CHECK(source.has_value());
  return std::move(*source);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Counts counts;
  dpi::PipelineLimits limits;
  limits.lanes.flows.flows_max = 64;
  limits.lanes.dns.transactions_max = 16;
  static dpi::Pipeline pipeline(limits, {1, 2}, classifier(), counts);
  const auto source = open_bytes({data, size});
  for (std::size_t packets = 0; packets < packets_max;) {
    dpi::Batch batch;
    const auto state = source->poll(batch, 64, std::chrono::milliseconds{0});
    if (!state || *state == dpi::SourceState::end) break;
    for (const dpi::RawPacket& packet : batch.packets()) pipeline.process(packet);
    packets += batch.size();
  }
  pipeline.finish(dpi::EndReason::forced);
  const dpi::PacketLedger ledger = pipeline.stats().front.packets;
  DPI_CHECK(ledger.offered == ledger.decoded + ledger.filtered + ledger.malformed + ledger.not_ip);
  DPI_CHECK(counts.packets == ledger.decoded);
  DPI_CHECK(counts.messages == pipeline.stats().lanes.dns.messages);
  DPI_CHECK(pipeline.stats().lanes.flows.active == 0);
  return 0;
}
