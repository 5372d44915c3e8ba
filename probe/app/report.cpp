#include "probe/app/report.h"

#include <cstdio>
#include <string>

#include "probe/base/check.h"
#include "probe/service/log.h"

namespace dpi {
namespace {

MessageCapture* capture = nullptr;

// Names in files and databases may hold what a terminal acts on: C0, DEL, and C1 in UTF-8.
std::string without_controls(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    const bool c1 = byte == 0xc2 && next >= 0x80 && next < 0xa0;
    if ((byte >= 0x20 && byte != 0x7f && !c1) || byte == '\t') {
      out.push_back(text[i]);
      continue;
    }
    constexpr std::string_view digits = "0123456789abcdef";
    out += "\\x";
    out += digits[byte >> 4U];
    out += digits[byte & 0xfU];
  }
  return out;
}

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
  const std::string line = without_controls(message);
  std::fprintf(stderr, "ransomeye-dpi: %s\n", line.c_str());
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
