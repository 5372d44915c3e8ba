#include "probe/app/keys_rotate.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "probe/app/report.h"
#include "probe/app/rotation_request.h"
#include "probe/crypto/key_file.h"

namespace dpi {
namespace {

// It cannot be made again once the old key is gone, so it has to be where it goes to.
Result<void> print_durably(const std::string& text) {
  fmt::print("{}", text);
  const bool printed = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  // A pipe or a terminal has nothing to be made durable.
  const bool kept = printed && (::fsync(STDOUT_FILENO) == 0 || errno == EINVAL || errno == EROFS);
  if (kept) return {};
  return fail(Errc::sink, fmt::format("standard output: {}; the key file stays as it is",
                                      std::strerror(errno)));
}

Result<void> begin(const std::string& path) {
  const auto next = add_next_key(path);
  if (!next) return tl::unexpected(next.error());
  fmt::print("{}\n", hex(next->key_id()));
  say(
      fmt::format("restart the sensor: its chain goes on under this key; then `ransomeye-dpi keys "
                  "rotate {} --finish SPOOL`",
                  path));
  return {};
}

Result<void> finish(const std::string& path, const std::string& spool) {
  const auto keys = SigningKey::read_all(path);
  if (!keys) return tl::unexpected(keys.error());
  if (keys->size() < 2) {
    return fail(Errc::usage, fmt::format("{}: holds one key: no rotation is under way", path));
  }
  const PublicKey& old = keys->front().public_key();
  const PublicKey& next = keys->back().public_key();
  const auto rotation = find_rotation(spool, old, next);
  if (!rotation) return tl::unexpected(rotation.error());
  const std::string request = rotation_request_text(*rotation, old);
  // As whoever enrols will: what a damaged spool gives would be refused, and the old key gone.
  if (auto proven = parse_rotation_request(request); !proven) return tl::unexpected(proven.error());
  if (auto printed = print_durably(request); !printed) return printed;
  if (auto dropped = drop_replaced_key(path, next); !dropped) return dropped;
  say(fmt::format(
      "key {} is gone; give this to whoever enrols: `ransomeye-dpi keys enrol --request "
      "FILE`",
      hex(old.key_id())));
  return {};
}

}  // namespace

int run_keys_rotate(const RotateOptions& options) {
  const auto done =
      options.finish_spool.empty() ? begin(options.key) : finish(options.key, options.finish_spool);
  return done ? int{exit_done} : report(done.error());
}

}  // namespace dpi
