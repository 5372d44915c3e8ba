#include "probe/app/own_chain.h"

#include <fmt/format.h>

#include <chrono>

#include "probe/envelope/canonical_writer.h"
#include "probe/envelope/checkpoint.h"

namespace dpi {
namespace {

// Of a start: captures wait as long.
constexpr std::chrono::seconds database_wait{5};

template <class T>
std::string statement(std::string_view refusal, const T& expected, const T& found) {
  std::string out;
  CanonicalWriter w(out);
  w.begin_object();
  w.member("expected", expected);
  w.member("found", found);
  w.member("refusal", refusal);
  w.end_object();
  return out;
}

}  // namespace

Result<void> require_own_chain(const LiveSink& chain, const LastRunFound& last,
                               const Identity& identity, const PublicKey& key) {
  if (last.machine && *last.machine != identity.machine) {
    chain.tell_database(statement("other_machine", *last.machine, identity.machine), database_wait);
    return fail(
        Errc::usage,
        fmt::format("this spool and key belong to machine {}, this is {}: enrol this machine as an "
                    "instance of its own (`ransomeye-dpi keys enrol`), or bring its "
                    "/etc/machine-id back",
                    uuid_text(*last.machine), uuid_text(identity.machine)));
  }
  if (const auto& state = chain.recovered()) {
    const auto checkpoint = parse_checkpoint(state->note);
    if (!checkpoint || !signed_by(*checkpoint, key)) {
      const std::string before = checkpoint && !checkpoint->signatures.empty()
                                     ? hex(checkpoint->signatures.front().key_hint)
                                     : std::string{};
      chain.tell_database(statement("other_key", before, hex(key.key_id())), database_wait);
      return fail(
          Errc::usage,
          fmt::format("this chain is signed by another key than {}: bring the key back that "
                      "was enrolled for it, or set the spool aside and enrol a new instance",
                      hex(key.key_id())));
    }
  }
  return chain.compare_with_database(database_wait);
}

}  // namespace dpi
