#include "probe/store/spool_sink.h"

#include <fmt/format.h>

#include "probe/store/spool_state.h"

namespace dpi {

Result<void> SpoolSink::event(std::uint64_t seq, std::string_view envelope,
                              std::string_view payload) {
  writer_->append(seq, as_bytes(envelope), as_bytes(payload));
  return {};
}

Result<void> SpoolSink::checkpoint(std::string_view note, const ChainHead& head) {
  return writer_->commit(encode_spool_state(head, note));
}

Result<std::unique_ptr<SpoolWriter>> open_new_spool(const std::filesystem::path& folder,
                                                    const Uuid& instance,
                                                    const SpoolOptions& options) {
  auto writer = SpoolWriter::open(folder, instance, options);
  if (!writer) return writer;
  if ((*writer)->next_seq() != 0) {
    return fail(Errc::usage,
                fmt::format("{}: this spool already holds {} events; give an empty folder",
                            folder.string(), (*writer)->next_seq()));
  }
  return writer;
}

}  // namespace dpi
