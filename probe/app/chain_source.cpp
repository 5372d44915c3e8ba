#include "probe/app/chain_source.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <utility>

#include "probe/envelope/exchange_line.h"
#include "probe/spool/spool_reader.h"
#include "probe/store/spool_state.h"

namespace dpi {
namespace {

tl::unexpected<Error> broken(std::string what) {
  return fail(Errc::verification, std::move(what));
}

Result<void> add_note(ChainVerifier& verifier, std::string_view note, const NoteObserver& observe) {
  if (auto added = verifier.add_checkpoint(note); !added) return added;
  return observe(note);
}

Result<void> add_line(ChainVerifier& verifier, std::string_view line, const NoteObserver& observe) {
  if (is_checkpoint_line(line)) {
    const auto note = parse_checkpoint_line(line);
    if (!note) return broken("the checkpoint line is not base64");
    return add_note(verifier, *note, observe);
  }
  const auto event = parse_event_line(line);
  if (!event)
    return broken("the line is neither {\"envelope\":…,\"payload\":…} nor {\"checkpoint\":…}");
  return verifier.add_event(event->envelope, event->payload);
}

// Where the file says that it begins; whether that is what was expected.
Result<void> begin_at(ChainVerifier& verifier, std::string_view line,
                      std::optional<std::uint64_t> first_seq) {
  const auto event = parse_event_line(line);
  const auto envelope = event ? parse_envelope(event->envelope) : std::nullopt;
  if (!envelope) return {};  // what it is instead is said where it is read
  const std::uint64_t expected = first_seq.value_or(0);
  if (envelope->seq == expected)
    return expected == 0 ? Result<void>{} : verifier.skip_to(expected, envelope->prev_hash);
  if (first_seq)
    return broken(fmt::format("begins with sequence {}, not {}", envelope->seq, expected));
  return broken(fmt::format(
      "begins with sequence {0}: the events before it are not here. Where they stand in another "
      "file (a sensor's, rotated), verify both in one (`cat OLD NEW | ransomeye-dpi verify -`), or "
      "this part: --from {0} --trust KEY",
      envelope->seq));
}

Result<ChainReport> verify_lines(std::istream& in, const std::string& name, ChainVerifier& verifier,
                                 const NoteObserver& observe,
                                 std::optional<std::uint64_t> first_seq) {
  std::string line;
  for (std::uint64_t number = 1; std::getline(in, line); ++number) {
    if (in.eof())
      return broken(
          fmt::format("{}:{}: the last line has no newline: the file was cut off", name, number));
    auto added = number == 1 ? begin_at(verifier, line, first_seq) : Result<void>{};
    if (added) added = add_line(verifier, line, observe);
    if (!added) {
      return fail(added.error().code, fmt::format("{}:{}: {}", name, number, added.error().what));
    }
  }
  auto report = verifier.finish();
  if (!report || !first_seq) return report;
  report->first_seq = *first_seq;
  report->skipped -= *first_seq;
  return report;
}

}  // namespace

Result<ChainReport> verify_jsonl(const std::string& path, ChainVerifier& verifier,
                                 const NoteObserver& observe,
                                 std::optional<std::uint64_t> first_seq) {
  if (path == "-") return verify_lines(std::cin, "standard input", verifier, observe, first_seq);
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(Errc::input,
                fmt::format("{}: {}; give a JSON lines file, a spool folder or postgres[:CONNINFO]",
                            path, std::strerror(errno)));
  }
  return verify_lines(file, path, verifier, observe, first_seq);
}

Result<ChainReport> verify_spool(const std::string& folder, ChainVerifier& verifier,
                                 const NoteObserver& observe) {
  auto reader = SpoolReader::open(folder);
  if (!reader) return tl::unexpected(reader.error());
  bool begun = false;
  for (;;) {
    const auto batch = reader->next();
    if (!batch) return tl::unexpected(batch.error());
    if (!*batch) break;
    if (!std::exchange(begun, true) && (*batch)->first_seq > 0) {
      // Segments that the database has are removed in time: what the first commit that is left
      // keeps of the chain stands for what was before.
      const auto state = decode_spool_state((*batch)->state);
      if (!state) return broken(fmt::format("{}: its first commit is unreadable", folder));
      if (auto resumed = verifier.resume(state->head.last_hash, state->head.tree, state->note);
          !resumed)
        return tl::unexpected(resumed.error());
      continue;
    }
    for (const SpoolRecord& record : (*batch)->records) {
      if (auto added = verifier.add_event(as_text(record.envelope), as_text(record.payload));
          !added) {
        return tl::unexpected(added.error());
      }
    }
    const auto state = decode_spool_state((*batch)->state);
    if (!state)
      return broken(
          fmt::format("{}: the commit behind event {} is unreadable", folder, (*batch)->next_seq));
    if (auto added = add_note(verifier, state->note, observe); !added)
      return tl::unexpected(added.error());
  }
  const auto torn = reader->tail_bytes();
  if (!torn) return tl::unexpected(torn.error());
  auto report = verifier.finish();
  if (report) report->torn_bytes = *torn;
  return report;
}

}  // namespace dpi
