#include "probe/app/keys_revoke.h"

#include <fmt/format.h>

#include <array>

#include "probe/app/report.h"
#include "probe/envelope/canonical.h"
#include "probe/envelope/note_text.h"
#include "probe/store/postgres.h"

namespace dpi {
namespace {

Result<std::string> revoke(const RevokeOptions& options) {
  const auto instance = parse_uuid(options.instance);
  if (!instance)
    return fail(Errc::usage, fmt::format("{}: not a UUID in lower case", options.instance));
  const auto key_id = parse_digest(options.key_id);
  if (!key_id) {
    return fail(Errc::usage,
                fmt::format("{}: no key id: 64 hexadecimal digits, as `keys show` prints them",
                            options.key_id));
  }
  const auto from = parse_decimal(options.from);
  if (!from || *from > integer_max)
    return fail(Errc::usage, fmt::format("--from {}: not a sequence", options.from));
  auto database = Postgres::connect(options.conninfo);
  if (!database) return tl::unexpected(database.error());
  if (auto begun = database->run("begin"); !begun) return tl::unexpected(begun.error());
  const std::array revocation{SqlValue::uuid(*instance), SqlValue::bytes(*key_id),
                              SqlValue::int8(static_cast<std::int64_t>(*from)),
                              SqlValue::boolean(options.compromised),
                              SqlValue::text(options.reason)};
  if (auto revoked = database->query("select re_core.revoke_key($1, $2, $3, $4, $5)", revocation);
      !revoked) {
    return tl::unexpected(revoked.error());
  }
  std::string out = fmt::format("{} {} from sequence {} on\n", options.key_id,
                                options.compromised ? "compromised" : "revoked", *from);
  if (options.retire) {
    const std::array retirement{SqlValue::uuid(*instance), SqlValue::text(options.reason)};
    const auto retired = database->query("select re_core.retire_instance($1, $2)", retirement);
    if (!retired) return tl::unexpected(retired.error());
    out += fmt::format("{} {}\n", options.instance, retired->at(0).at(0).value_or(""));
  }
  if (auto committed = database->run("commit"); !committed)
    return tl::unexpected(committed.error());
  return out;
}

}  // namespace

int run_keys_revoke(const RevokeOptions& options) {
  const auto done = revoke(options);
  if (!done) return report(done.error());
  fmt::print("{}", *done);
  return exit_done;
}

}  // namespace dpi
