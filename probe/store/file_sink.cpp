#include "probe/store/file_sink.h"

#include <algorithm>

namespace dpi {

Result<void> FileSink::resume(const OutputPosition& from, AppendFile::Rest rest) {
  const auto own = files();
  for (std::size_t i = 0; i < std::min(own.size(), from.files.size()); ++i)
    if (auto resumed = own[i].resume(from.files[i], rest); !resumed) return resumed;
  return {};
}

Result<void> FileSink::flush() {
  for (AppendFile& file : files())
    if (auto flushed = file.flush(); !flushed) return flushed;
  return {};
}

Result<OutputPosition> FileSink::sync(std::uint64_t put_seq) {
  OutputPosition out{.next_seq = put_seq, .files = {}};
  for (AppendFile& file : files()) {
    const auto place = file.sync();
    if (!place) return tl::unexpected(place.error());
    out.files.push_back(*place);
  }
  return out;
}

Result<void> FileSink::reopen() {
  for (AppendFile& file : files())
    if (auto reopened = file.reopen(); !reopened) return reopened;
  return {};
}

}  // namespace dpi
