// A file of lines that grows: what is in it stays. Lines are collected and written together.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "probe/base/result.h"

namespace dpi {

class AppendFile {
 public:
  // Made when it is not there. A non-empty `header` is the first line: written into an empty file,
  // and what any other must begin with. "-" is standard output. `option` is what the user wrote.
  [[nodiscard]] static Result<AppendFile> open(const std::string& path, std::string_view header,
                                               std::string_view option);
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;
  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&&) = delete;
  ~AppendFile();

  // Where lines are put; they are written by the next flush.
  [[nodiscard]] std::string& lines() noexcept { return lines_; }
  [[nodiscard]] Result<void> flush();
  // Only when much has been collected.
  [[nodiscard]] Result<void> flush_full();
  // Flushed, and closed without an error.
  [[nodiscard]] Result<void> close();

 private:
  AppendFile(int fd, std::string name, bool owned)
      : fd_(fd), name_(std::move(name)), owned_(owned) {}
  [[nodiscard]] Result<void> begin(std::string_view header, std::string_view option);
  [[nodiscard]] tl::unexpected<Error> failed() const;

  int fd_;
  std::string name_;
  bool owned_;
  std::string lines_;
};

}  // namespace dpi
