#include "probe/app/report.h"

#include <cstdio>

#include "probe/base/check.h"
#include "probe/service/log.h"

namespace dpi {
namespace {

MessageCapture* capture = nullptr;

}  // namespace

MessageCapture::MessageCapture() {
  DPI_CHECK(capture == nullptr);
  capture = this;
}

MessageCapture::~MessageCapture() {
  capture = nullptr;
}

int exit_code(Errc code) noexcept {
  switch (code) {
    case Errc::usage:
      return exit_usage;
    case Errc::input:
      return exit_input;
    case Errc::sink:
      return exit_sink;
    case Errc::verification:
      return exit_verification;
    default:
      return exit_failure;
  }
}

void say(std::string_view message) {
  if (capture != nullptr) {
    capture->messages_.emplace_back(message);
    return;
  }
  std::fprintf(stderr, "ransomeye-dpi: %.*s\n", static_cast<int>(message.size()), message.data());
}

int report(const Error& error) {
  // Why a service does not start is what its journal is read for first.
  if (capture == nullptr && log_style() == LogStyle::journal) {
    log_state({.level = LogLevel::error, .event = "failed", .message = error.what});
  } else {
    say(error.what);
  }
  return exit_code(error.code);
}

}  // namespace dpi
