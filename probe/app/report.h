// How the command line speaks to people: standard error, one line a message, `ransomeye-dpi: ` in
// front.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "probe/base/result.h"

namespace dpi {

enum ExitCode : int {
  exit_done = 0,
  exit_failure = 1,
  exit_usage = 2,
  exit_input = 3,
  exit_sink = 4,
  exit_verification = 5,
};

[[nodiscard]] int exit_code(Errc code) noexcept;
void say(std::string_view message);
// Says the error and gives its exit code.
int report(const Error& error);

// While it lives, what would be said is kept instead. One at a time, on the main thread.
class MessageCapture {
 public:
  MessageCapture();
  MessageCapture(const MessageCapture&) = delete;
  MessageCapture& operator=(const MessageCapture&) = delete;
  ~MessageCapture();

  [[nodiscard]] std::vector<std::string> take() { return std::move(messages_); }

 private:
  friend void say(std::string_view message);
  std::vector<std::string> messages_;
};

}  // namespace dpi
