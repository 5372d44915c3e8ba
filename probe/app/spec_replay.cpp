#include "probe/app/spec_replay.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "probe/app/replay.h"
#include "probe/app/report.h"
#include "probe/base/file_descriptor.h"
#include "probe/spec/capture_writer.h"

namespace dpi {
namespace {

using spec::Value;

Result<FileDescriptor> memory_file(const char* name, Bytes content) {
  FileDescriptor file{::memfd_create(name, MFD_CLOEXEC)};
  bool ok = static_cast<bool>(file);
  while (ok && !content.empty()) {
    const ssize_t n = ::write(file.get(), content.data(), content.size());
    ok = n > 0;
    if (ok) content = content.subspan(static_cast<std::size_t>(n));
  }
  if (!ok) return fail(Errc::failure, fmt::format("no memory file: {}", std::strerror(errno)));
  return file;
}

std::string path_of(const FileDescriptor& file) {
  return fmt::format("/proc/self/fd/{}", file.get());
}

std::string content_of(const FileDescriptor& file) {
  std::string out;
  ByteBuffer block(1U << 16U);
  ::lseek(file.get(), 0, SEEK_SET);
  for (;;) {
    const ssize_t n = ::read(file.get(), block.data(), block.size());
    if (n <= 0) return out;
    out += as_text(Bytes{block}.first(static_cast<std::size_t>(n)));
  }
}

// Messages name the capture by its memory file; people know it by the recipe.
std::string renamed(std::string message, const std::string& path, const std::string& name) {
  for (std::size_t at = 0; (at = message.find(path, at)) != std::string::npos; at += name.size())
    message.replace(at, path.size(), name);
  return message;
}

Result<void> read_events(const std::string& lines, spec::Outcome& outcome) {
  std::string_view rest = lines;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const auto line = spec::parse_json(rest.substr(0, end));
    if (!line) return fail(Errc::failure, "an event that is not canonical JSON");
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    const Value* const envelope = line->find("envelope");
    const Value* const payload = line->find("payload");
    if (envelope == nullptr || payload == nullptr) continue;
    const Value* const type = envelope->find("event_type");
    if (type == nullptr) continue;
    if (type->text == "dpi.flow") outcome.flows.push_back(*payload);
    if (type->text == "dpi.dns") outcome.dns.push_back(*payload);
    if (type->text == "health.heartbeat") outcome.heartbeats.push_back(*payload);
  }
  return {};
}

}  // namespace

Result<spec::Outcome> replay_recipe(const spec::Recipe& recipe) {
  const auto bytes = spec::build_capture(recipe);
  if (!bytes) return tl::unexpected(bytes.error());
  const auto config = load_config("", recipe.settings);
  if (!config)
    return fail(Errc::usage, fmt::format("{}: [config]: {}", recipe.file, config.error().what));
  const auto capture = memory_file("capture", *bytes);
  const auto events = memory_file("events", {});
  if (!capture) return tl::unexpected(capture.error());
  if (!events) return tl::unexpected(events.error());

  ReplayOptions options;
  options.captures = {path_of(*capture)};
  options.outputs = {"jsonl:" + path_of(*events)};
  options.filter = recipe.filter;
  options.judge_rows = true;
  spec::Outcome outcome;
  {
    MessageCapture messages;
    outcome.exit = run_replay(*config, options);
    for (std::string& message : messages.take()) {
      // Of every replay without a key, whatever the capture is.
      if (message.starts_with("signing with a key derived")) continue;
      outcome.says.push_back(
          renamed(std::move(message), options.captures[0], spec::capture_name(recipe)));
    }
  }
  if (auto read = read_events(content_of(*events), outcome); !read)
    return tl::unexpected(read.error());
  return outcome;
}

}  // namespace dpi
