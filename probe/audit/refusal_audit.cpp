#include "probe/audit/refusal_audit.h"

#include <map>
#include <tuple>

#include "probe/crypto/digest.h"
#include "probe/envelope/envelope.h"

namespace dpi {
namespace {

using Kind = std::tuple<Uuid, std::string, std::string>;  // instance, kind, writer

struct Recorded {
  std::int64_t count = 0;
  SqlTime last_at = 0;
  bool counted = false;
};

// A refusal of somebody who named no enrolled instance stands under the nil UUID and no tenant.
void want_tenant(const AuditContext& context, const StoredRow& row, const std::string& key) {
  if (row.uuid("component_instance_id") != Uuid{}) return context.want_enrolled(row, key);
  context.want(row, key, "tenant_id", row.is_null("tenant_id"), "nobody is named");
}

// As re_raw.record_violation() makes it: concat_ws leaves NULLs out.
Digest refusal_digest(const StoredRow& row) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : "|") + part; };
  add(row.text("writer"));
  add(row.text("kind"));
  for (const char* const column : {"first_seq", "offending_seq"})
    if (!row.is_null(column)) add(fmt::format("{}", row.integer(column)));
  if (!row.is_null("offending_hash")) add(hex(row.bytes("offending_hash")));
  add(row.text("detail"));
  return sha256({as_bytes(text)});
}

}  // namespace

Result<void> audit_refusals(const AuditContext& context) {
  std::map<Kind, Recorded> recorded;
  auto read =
      context.each("re_raw.chain_violation", context.of_instance(), [&](const StoredRow& row) {
        const std::string key = "violation_id " + row.shown("violation_id");
        want_tenant(context, row, key);
        context.want(row, key, "refusal_sha256",
                     same_bytes(row.bytes("refusal_sha256"), refusal_digest(row)),
                     "that is not the digest of writer, kind, first_seq, offending_seq, "
                     "offending_hash and detail");
        const Bytes envelope = row.bytes("offending_envelope");
        if (!row.is_null("offending_envelope") && !row.is_null("offending_hash") &&
            envelope.size() < envelope_bytes_max) {
          context.want(row, key, "offending_envelope",
                       same_bytes(envelope_hash(as_text(envelope)), row.bytes("offending_hash")),
                       "offending_hash is that of another");
        }
        Recorded& of =
            recorded[{row.uuid("component_instance_id"), row.text("kind"), row.text("writer")}];
        ++of.count;
        of.last_at = std::max(of.last_at, row.integer("detected_at"));
      });
  if (!read) return read;
  read = context.each("re_raw.violation_counter", context.of_instance(), [&](const StoredRow& row) {
    const std::string key = "kind " + row.shown("kind") + ", writer " + row.shown("writer");
    want_tenant(context, row, key);
    Recorded& of =
        recorded[{row.uuid("component_instance_id"), row.text("kind"), row.text("writer")}];
    of.counted = true;
    context.want(row, key, "recorded", row.integer("recorded") == of.count,
                 fmt::format("re_raw.chain_violation has {} of them", of.count));
    context.want(row, key, "attempts", row.integer("attempts") >= row.integer("recorded"),
                 "each recorded one was an attempt");
    // The counter is touched just before the record.
    constexpr SqlTime together = 60'000'000;
    context.want(row, key, "last_at", row.integer("last_at") >= of.last_at - together,
                 "a later refusal is recorded");
  });
  if (!read) return read;
  for (const auto& [kind, of] : recorded) {
    if (of.counted) continue;
    context.findings.add({std::get<0>(kind), std::nullopt, "re_raw.violation_counter",
                          fmt::format("the row of kind {} and writer {} is missing",
                                      harmless(std::get<1>(kind)), harmless(std::get<2>(kind)))});
  }
  return {};
}

}  // namespace dpi
