#include "probe/audit/registry_audit.h"

#include <algorithm>
#include <map>
#include <set>

#include "probe/crypto/signing_key.h"

namespace dpi {
namespace {

using Key = std::pair<Uuid, std::string>;  // instance, key_id

// A history that is numbered from 1 without a gap, in the order of time.
struct History {
  std::int64_t last_no = 0;
  SqlTime last_at = 0;
  std::string last_status;
};

class RegistryAudit {
 public:
  explicit RegistryAudit(const AuditContext& context) : context_(context) {}

  Result<void> run() {
    const auto each = [this](std::string_view table, const char* order, auto method) {
      const std::string part = order == by_machine ? std::string{} : context_.of_instance() + " ";
      return context_.each(table, part + order,
                           [this, method](const StoredRow& row) { (this->*method)(row); });
    };
    for (auto read : {
             context_.each("re_core.tenant", "",
                           [this](const StoredRow& r) { tenants_.insert(r.uuid("tenant_id")); }),
             each("re_core.tenant_member", by_machine, &RegistryAudit::member),
             each("re_core.machine", by_machine, &RegistryAudit::machine),
             each("re_core.component_instance", "", &RegistryAudit::instance),
             each("re_core.component_instance_status",
                  "order by component_instance_id, status_no, changed_at",
                  &RegistryAudit::instance_status),
             each("re_core.signing_key", "", &RegistryAudit::key),
             each("re_core.signing_key_status",
                  "order by component_instance_id, key_id, status_no, changed_at",
                  &RegistryAudit::key_status),
             context_.each("re_core.approved_version", "order by machine_id, approval_no",
                           [this](const StoredRow& r) { approval(r); }),
         }) {
      if (!read) return read;
    }
    for (const auto& [id, enrolled] : context_.registry) {
      const bool asked = !context_.scope.instance || *context_.scope.instance == id;
      if (!asked) continue;
      if (!statuses_.contains(id)) missing(id, "re_core.component_instance_status");
      if (!has_key_.contains(id)) missing(id, "re_core.signing_key");
    }
    for (const auto& [key, registered] : keys_)
      if (!key_statuses_.contains(key)) missing(key.first, "re_core.signing_key_status");
    return {};
  }

 private:
  static constexpr const char* by_machine = "order by 1";

  struct Enrolment {
    std::string by, note;
    SqlTime at = 0;
  };

  void missing(const Uuid& instance, std::string table) {
    context_.findings.add({instance, std::nullopt, std::move(table), "the row is missing"});
  }
  void member(const StoredRow& row) {
    context_.want(row, "db_role " + row.shown("db_role"), "tenant_id",
                  tenants_.contains(row.uuid("tenant_id")), "there is no such tenant");
  }
  void machine(const StoredRow& row) {
    const std::string key = "machine_id " + row.shown("machine_id");
    context_.want(row, key, "tenant_id", tenants_.contains(row.uuid("tenant_id")),
                  "there is no such tenant");
    machines_[row.uuid("machine_id")] = row.uuid("tenant_id");
  }
  void instance(const StoredRow& row) {
    const auto of_machine = machines_.find(row.uuid("machine_id"));
    if (of_machine == machines_.end()) {
      context_.say(row, "", "machine_id is that of no machine");
    } else {
      context_.want(row, "", "tenant_id", row.uuid("tenant_id") == of_machine->second,
                    "its machine belongs to another tenant");
    }
    context_.want(row, "", "component",
                  std::ranges::count(std::array{"dpi_probe", "linux_agent", "windows_agent",
                                                "verifier", "witness"},
                                     row.text("component")) == 1,
                  "there is no such component");
    const std::string mode = row.text("mode");
    context_.want(row, "", "mode", mode == "live" || mode == "replay", "there is no such mode");
    if (mode == "replay") {
      context_.want(row, "", "db_role", row.text("db_role") == row.text("registered_by"),
                    "a replay is enrolled by its own login");
      context_.want(row, "", "note", row.text("note") == "replay", "a replay's note is 'replay'");
    }
    enrolments_[row.uuid("component_instance_id")] = {row.text("registered_by"), row.text("note"),
                                                      row.integer("registered_at")};
  }
  // The next entry of a history.
  void next(History& history, const StoredRow& row, const std::string& key, std::string_view number,
            std::string_view time) {
    context_.want(row, key, number, row.integer(number) == history.last_no + 1,
                  fmt::format("it follows {}: an entry is missing, or was added", history.last_no));
    context_.want(row, key, time, row.integer(time) >= history.last_at - clock_step_max,
                  "that is before the entry before");
    history.last_no = row.integer(number);
    history.last_at = row.integer(time);
  }
  // What enrolment writes in one act says the same of who and when.
  void enrolled_by(const StoredRow& row, const std::string& key, std::string_view by,
                   std::string_view at) {
    const auto enrolment = enrolments_.find(row.uuid("component_instance_id"));
    if (enrolment == enrolments_.end()) return;
    constexpr SqlTime together = 60'000'000;
    context_.want(row, key, by, row.text(by) == enrolment->second.by,
                  "the instance was enrolled by " + harmless(enrolment->second.by));
    const SqlTime apart = row.integer(at) - enrolment->second.at;
    context_.want(row, key, at, apart >= 0 && apart < together,
                  "the instance was enrolled at " + sql_time_text(enrolment->second.at));
  }
  void instance_status(const StoredRow& row) {
    const std::string key = "status_no " + row.shown("status_no");
    context_.want_enrolled(row, key);
    History& history = statuses_[row.uuid("component_instance_id")];
    const bool first = history.last_no == 0;
    const std::string status = row.text("status");
    context_.want(
        row, key, "status",
        first ? status == "active" : status == "retired" && history.last_status != status,
        first ? "an instance begins as active" : "an active instance can only be retired");
    if (first) {
      context_.want(row, key, "reason", row.text("reason") == "enrolled", "it was enrolled then");
      enrolled_by(row, key, "changed_by", "changed_at");
    }
    next(history, row, key, "status_no", "changed_at");
    history.last_status = status;
  }
  void key(const StoredRow& row) {
    const std::string key = "key_id " + row.shown("key_id");
    context_.want_enrolled(row, key);
    const Uuid instance = row.uuid("component_instance_id");
    const auto public_key = PublicKey::from_spki(row.bytes("spki"));
    context_.want(row, key, "spki",
                  public_key && same_bytes(public_key->key_id(), row.bytes("key_id")),
                  "key_id is not its SHA-256");
    context_.want(row, key, "algorithm", row.text("algorithm") == "ed25519", "it is ed25519");
    const auto enrolled = context_.registry.find(instance);
    if (enrolled != context_.registry.end())
      context_.want(row, key, "mode", row.text("mode") == enrolled->second.mode,
                    "the instance has another mode");
    if (row.text("mode") == "replay") {
      context_.want(row, key, "storage", row.text("storage") == "derived",
                    "a replay's key is derived");
    }
    has_key_.insert(instance);
    keys_[{instance, row.text("key_id")}] = {row.text("registered_by"), row.text("note"),
                                             row.integer("registered_at")};
  }
  void key_status(const StoredRow& row) {
    const Key id{row.uuid("component_instance_id"), row.text("key_id")};
    const std::string key =
        fmt::format("key_id {}, status_no {}", row.shown("key_id"), row.shown("status_no"));
    context_.want_enrolled(row, key);
    History& history = key_statuses_[id];
    const bool first = history.last_no == 0;
    next(history, row, key, "status_no", "changed_at");
    const std::string status = row.text("status");
    context_.want(
        row, key, "status",
        first ? status == "active"
              : status == "superseded" || status == "revoked" || status == "compromised",
        first ? "a key begins as active" : "a key ends superseded, revoked or compromised");
    context_.want(row, key, "effective_seq", row.integer("effective_seq") >= 0, "it is an event");
    const auto registered = keys_.find(id);
    if (registered == keys_.end()) return context_.say(row, key, "key_id is that of no key");
    if (!first) return;
    context_.want(row, key, "changed_by", row.text("changed_by") == registered->second.by,
                  "the key was registered by " + harmless(registered->second.by));
    const bool by_enrolment = row.text("reason") == "enrolled";
    if (by_enrolment) {
      context_.want(row, key, "effective_seq", row.integer("effective_seq") == 0,
                    "the first key holds from the first event on");
      enrolled_by(row, key, "changed_by", "changed_at");
      const auto enrolment = enrolments_.find(id.first);
      if (enrolment != enrolments_.end() && enrolment->second.note != registered->second.note) {
        context_.findings.add(
            {id.first, std::nullopt, "re_core.signing_key", "note is not that of the enrolment"});
      }
    } else {
      context_.want(row, key, "reason", row.text("reason") == registered->second.note,
                    "the key was registered for another");
    }
  }
  void approval(const StoredRow& row) {
    const std::string key = fmt::format("machine_id {}, approval_no {}", row.shown("machine_id"),
                                        row.shown("approval_no"));
    const auto machine = machines_.find(row.uuid("machine_id"));
    if (machine == machines_.end()) {
      context_.say(row, key, "machine_id is that of no machine");
    } else {
      context_.want(row, key, "tenant_id", row.uuid("tenant_id") == machine->second,
                    "its machine belongs to another tenant");
    }
    next(approvals_[row.uuid("machine_id")], row, key, "approval_no", "approved_at");
  }

  const AuditContext& context_;
  std::set<Uuid> tenants_;
  std::map<Uuid, Uuid> machines_;
  std::map<Uuid, Enrolment> enrolments_;
  std::map<Uuid, History> statuses_;
  std::set<Uuid> has_key_;
  std::map<Key, Enrolment> keys_;
  std::map<Key, History> key_statuses_;
  std::map<Uuid, History> approvals_;
};

}  // namespace

Result<void> audit_registry(const AuditContext& context) {
  return RegistryAudit(context).run();
}

Result<void> audit_bundle(const AuditContext& context, std::string_view version,
                          const Digest& sha256) {
  bool met = false;
  std::set<std::string> known;
  for (auto read : {context.each("re_core.schema_bundle", "order by applied_at",
                                 [&](const StoredRow& row) {
                                   // The last one is in force.
                                   met = row.text("version") == version;
                                   if (met)
                                     context.want(row, "version " + row.shown("version"),
                                                  "ddl_sha256",
                                                  same_bytes(row.bytes("ddl_sha256"), sha256),
                                                  "that bundle's is " + hex(sha256));
                                 }),
                    context.each("re_raw.event_type", "", [&](const StoredRow& row) {
                      known.insert(fmt::format("{} {} v{} {}.{}", row.text("component"),
                                               row.text("event_type"), row.integer("event_version"),
                                               row.text("store_schema"), row.text("store_name")));
                    })}) {
    if (!read) return read;
  }
  if (!met) {
    context.findings.add({std::nullopt, std::nullopt, "re_core.schema_bundle",
                          fmt::format("the bundle in force is not version {} of this program; "
                                      "migrate it first (schema plan)",
                                      version)});
  }
  std::set<std::string> wanted;
  for (const BundleEventType& type : context.bundle.event_types()) {
    const std::size_t dot = type.table.find('.');
    wanted.insert(fmt::format("{} {} v{} {}.store_{}", type.component, type.event_type,
                              type.event_version, type.table.substr(0, dot),
                              type.table.substr(dot + 1)));
  }
  for (const auto& [component, type] : rowless_event_types())
    wanted.insert(fmt::format("{} {} v1 .", component, type));
  const auto differ = [&](const std::set<std::string>& a, const std::set<std::string>& b,
                          std::string_view what) {
    for (const std::string& row : a)
      if (!b.contains(row))
        context.findings.add({std::nullopt, std::nullopt, "re_raw.event_type",
                              fmt::format("the row '{}' {}", harmless(row), what)});
  };
  differ(wanted, known, "is missing");
  differ(known, wanted, "was added");
  return {};
}

}  // namespace dpi
