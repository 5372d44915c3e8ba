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

std::optional<std::size_t> key_in_force(const std::optional<SpoolState>& state,
                                        const std::vector<SigningKey>& keys) {
  if (!state) return keys.size() - 1;
  const auto checkpoint = parse_checkpoint(state->note);
  if (!checkpoint) return std::nullopt;
  std::optional<std::size_t> newest;
  std::size_t signatures = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!signed_by(*checkpoint, keys[i].public_key())) continue;
    newest = i;
    ++signatures;
  }
  // One more is of a key that this one handed over to: an older state of the key's file.
  return signatures == checkpoint->signatures.size() ? newest : std::nullopt;
}

Result<std::size_t> require_own_chain(const LiveSink& chain, const LastRunFound& last,
                                      const Identity& identity,
                                      const std::vector<SigningKey>& keys) {
  if (last.machine && *last.machine != identity.machine) {
    chain.tell_database(statement("other_machine", *last.machine, identity.machine), database_wait);
    return fail(
        Errc::usage,
        fmt::format("this spool and key belong to machine {}, this is {}: enrol this machine as an "
                    "instance of its own (`ransomeye-dpi keys enrol`), or bring its "
                    "/etc/machine-id back",
                    uuid_text(*last.machine), uuid_text(identity.machine)));
  }
  const auto in_force = key_in_force(chain.recovered(), keys);
  if (!in_force) {
    const auto checkpoint = parse_checkpoint(chain.recovered()->note);
    const std::string before = checkpoint && !checkpoint->signatures.empty()
                                   ? hex(checkpoint->signatures.front().key_hint)
                                   : std::string{};
    const std::string here = hex(keys.back().public_key().key_id());
    chain.tell_database(statement("other_key", before, here), database_wait);
    return fail(Errc::usage,
                fmt::format("this chain is signed by another key than {}: bring the key back that "
                            "was enrolled for it, or set the spool aside and enrol a new instance",
                            here));
  }
  if (auto same = chain.compare_with_database(database_wait); !same)
    return tl::unexpected(same.error());
  return *in_force;
}

}  // namespace dpi
