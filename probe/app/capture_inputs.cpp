#include "probe/app/capture_inputs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "capture/file_list.h"
#include "capture/file_source.h"
#include "capture/input_stream.h"
#include "probe/crypto/digest.h"

namespace dpi {
namespace {

constexpr std::size_t block_bytes = 64U << 10U;

tl::unexpected<Error> problem(const std::string& name, std::string_view remedy) {
  return fail(Errc::input, fmt::format("{}: {}; {}", name, std::strerror(errno), remedy));
}

// An unnamed file where temporary files go.
int temporary_file() {
  const char* folder = std::getenv("TMPDIR");
  std::string path = fmt::format("{}/ransomeye-dpi.XXXXXX",
                                 folder != nullptr && *folder != '\0' ? folder : "/tmp");
  const int fd = ::mkostemp(path.data(), O_CLOEXEC);
  if (fd >= 0) ::unlink(path.c_str());
  return fd;
}

bool write_all(int fd, Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

// Everything of what is no file, so that it can be read more than once.
Result<void> copy(const std::string& name, int from, int to) {
  ByteBuffer block(block_bytes);
  for (;;) {
    const ssize_t n = ::read(from, block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return problem(name, "the capture cannot be read");
    if (n == 0) break;
    if (!write_all(to, Bytes{block}.first(static_cast<std::size_t>(n))))
      return problem(name, "no room for its copy; set TMPDIR to a larger folder");
  }
  ::lseek(to, 0, SEEK_SET);
  return {};
}

// Digests the content, not how it is compressed: the same capture, packed later, is the same. What
// is cut or damaged is not the same as what is whole.
Result<void> digest(CaptureInput& input) {
  auto stream =
      InputStream::adopt(FileDescriptor{::fcntl(input.fd, F_DUPFD_CLOEXEC, 0)}, input.name);
  if (!stream) return tl::unexpected(stream.error());
  Sha256 hasher;
  ByteBuffer block(block_bytes);
  for (;;) {
    const auto got = stream->read(block);
    if (!got) {
      if (!stream->compressed()) return tl::unexpected(got.error());
      hasher.update(as_bytes("damaged"));
      break;
    }
    if (got->state == InputState::end) break;
    hasher.update(Bytes{block}.first(got->bytes));
  }
  if (stream->cut_short()) hasher.update(as_bytes("cut"));
  input.sha256 = hasher.finish();
  // Both descriptors share one position. What is damaged has not been read to its end.
  input.bytes = static_cast<std::uint64_t>(std::max<off_t>(::lseek(input.fd, 0, SEEK_CUR), 0));
  return {};
}

Result<CaptureInput> open_one(const std::filesystem::path& path) {
  CaptureInput input;
  const bool standard_input = path == "-";
  input.name = standard_input ? "standard input" : path.string();
  input.fd =
      standard_input ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (input.fd < 0) return problem(input.name, "give a capture file that exists and can be read");
  struct stat status {};
  const bool regular = ::fstat(input.fd, &status) == 0 && S_ISREG(status.st_mode);
  Result<void> ready;
  if (!regular) {
    const int own = temporary_file();
    if (own < 0) {
      ready = problem(input.name, "no temporary file for it; set TMPDIR to a writable folder");
    } else {
      ready = copy(input.name, input.fd, own);
      ::close(std::exchange(input.fd, own));
    }
  }
  if (ready) ready = digest(input);
  if (!ready) {
    ::close(input.fd);
    return tl::unexpected(ready.error());
  }
  // Of standard input nobody knows the name: it stays open.
  if (regular && !standard_input) {
    ::close(std::exchange(input.fd, -1));
    input.device = status.st_dev;
    input.inode = status.st_ino;
  }
  return input;
}

// Nothing when it holds none, or cannot be read.
std::optional<Timestamp> first_packet(const CaptureInput& input) {
  const auto descriptor = input.rewind();
  if (!descriptor) return std::nullopt;
  const auto source = open_file_source(*descriptor, input.name, input.bytes);
  if (!source) return std::nullopt;
  Batch batch;
  const auto state = (*source)->poll(batch, 1, std::chrono::seconds{1});
  if (!state || *state != SourceState::packets) return std::nullopt;
  return batch.packets()[0].time;
}

}  // namespace

Result<int> CaptureInput::rewind() const {
  if (fd >= 0) {
    ::lseek(fd, 0, SEEK_SET);
    return ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
  }
  const int opened = ::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (opened < 0) return problem(name, "it was there when the replay began");
  struct stat now {};
  if (::fstat(opened, &now) == 0 && now.st_dev == device && now.st_ino == inode) return opened;
  ::close(opened);
  return fail(Errc::input, name + ": it was replaced since the replay began; replay it again");
}

bool CaptureInput::has_grown() const {
  struct stat now {};
  return fd < 0 && ::stat(name.c_str(), &now) == 0 && now.st_dev == device && now.st_ino == inode &&
         static_cast<std::uint64_t>(now.st_size) > bytes;
}

CaptureInputs::~CaptureInputs() {
  for (const CaptureInput& input : inputs_) {
    if (input.fd >= 0) ::close(input.fd);
  }
}

Result<CaptureInputs> CaptureInputs::open(const std::vector<std::string>& arguments) {
  const auto files = list_capture_files(arguments);
  if (!files) return tl::unexpected(files.error());
  CaptureInputs out;
  for (const std::filesystem::path& file : *files) {
    auto input = open_one(file);
    if (input) {
      out.inputs_.push_back(std::move(*input));
    } else {
      out.problems_.push_back(input.error());
    }
  }
  return out;
}

Result<void> CaptureInputs::may_write(const std::filesystem::path& file) const {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return {};
  for (const CaptureInput& input : inputs_) {
    if (input.fd < 0 && input.device == status.st_dev && input.inode == status.st_ino) {
      return fail(Errc::usage,
                  fmt::format("{}: is the capture {}, which is read; choose another file",
                              file.string(), input.name));
    }
  }
  return {};
}

void CaptureInputs::order_by_first_packet() {
  std::vector<std::pair<Timestamp, CaptureInput>> ordered;
  for (const CaptureInput& input : inputs_)
    ordered.emplace_back(first_packet(input).value_or(Timestamp::max()), input);
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  inputs_.clear();
  for (auto& [time, input] : ordered) inputs_.push_back(std::move(input));
}

std::vector<Digest> CaptureInputs::digests() const {
  std::vector<Digest> out;
  for (const CaptureInput& input : inputs_) out.push_back(input.sha256);
  return out;
}

}  // namespace dpi
