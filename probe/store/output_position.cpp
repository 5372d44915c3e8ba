#include "probe/store/output_position.h"

#include <fmt/format.h>

#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

#include "probe/base/bytes.h"
#include "probe/base/hex.h"
#include "probe/crypto/digest.h"
#include "probe/spool/spool_folder.h"

namespace dpi {
namespace {

constexpr std::string_view first_line = "ransomeye-dpi output 1";

tl::unexpected<Error> cannot_write(const std::filesystem::path& path, int error) {
  return fail(Errc::sink,
              fmt::format("{}: cannot be written: {}", path.string(), std::strerror(error)));
}

}  // namespace

std::filesystem::path position_path(const std::filesystem::path& spool, std::string_view output) {
  // Paths are too long and too odd for a name; which one it is stands inside.
  const std::string digest = hex(sha256({as_bytes(output)}));
  return spool / "outputs" /
         fmt::format("{}-{}", output.substr(0, output.find(':')), digest.substr(0, 16));
}

Result<std::optional<OutputPosition>> read_position(const std::filesystem::path& path) {
  std::error_code none;
  if (!std::filesystem::exists(path, none) && !none) return std::nullopt;
  std::ifstream file(path);
  std::string line, output, word;
  OutputPosition out;
  bool whole = std::getline(file, line) && line == first_line && std::getline(file, output) &&
               file >> word >> out.next_seq && word == "next_seq";
  for (AppendFile::Place place; whole && file >> word;) {
    whole = word == "file" && file >> place.device >> place.inode >> place.bytes;
    if (whole) out.files.push_back(place);
  }
  if (whole && file.eof()) return out;
  return fail(Errc::sink, fmt::format("{}: does not say where an output stands", path.string()));
}

Result<void> write_position(Storage& storage, const std::filesystem::path& path,
                            std::string_view output, const OutputPosition& position) {
  std::string text = fmt::format("{}\n{}\nnext_seq {}\n", first_line, output, position.next_seq);
  for (const AppendFile::Place& place : position.files)
    text += fmt::format("file {} {} {}\n", place.device, place.inode, place.bytes);
  if (auto made = create_folders(storage, path.parent_path()); !made) return made;
  std::filesystem::path unfinished = path;
  unfinished += ".new";
  auto file = storage.open(unfinished, Storage::Mode::create);
  if (!file) return cannot_write(unfinished, file.error());
  for (std::uint64_t at = 0; at < text.size();) {
    const auto wrote = (*file)->write(at, as_bytes(text).subspan(at));
    if (!wrote) return cannot_write(unfinished, wrote.error());
    at += *wrote;
  }
  if (const auto synced = (*file)->sync(); !synced) return cannot_write(unfinished, synced.error());
  if (const auto renamed = storage.rename(unfinished, path); !renamed)
    return cannot_write(path, renamed.error());
  if (const auto synced = storage.sync_folder(path.parent_path()); !synced)
    return cannot_write(path, synced.error());
  return {};
}

}  // namespace dpi
