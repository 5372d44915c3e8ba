// A file of lines that grows: what is in it stays. Lines are collected and written together. Used
// by one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "probe/base/result.h"

namespace dpi {

class AppendFile {
 public:
  // How far a file is known to be on the disk.
  struct Place {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t bytes = 0;
    bool operator==(const Place&) const = default;
  };
  enum class Begin : std::uint8_t { behind, anew };  // anew: what is there goes
  // Whether a half line that is there is ended; of anything else nothing is known here.
  enum class Content : std::uint8_t { lines, other };

  // Made when it is not there. A non-empty `header` is the first line: written into an empty file,
  // and what any other must begin with. "-" is standard output. `option` is what the user wrote.
  [[nodiscard]] static Result<AppendFile> open(const std::string& path, std::string_view header,
                                               std::string_view option, Begin begin = Begin::behind,
                                               Content content = Content::lines);
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
  // Flushed, and safe from a power cut. Of standard output a place without bytes.
  [[nodiscard]] Result<Place> sync();
  // Flushed, and closed without an error.
  [[nodiscard]] Result<void> close();

  // Before anything is put: the lines behind `place` are going to be put again. Those that are
  // there are not written twice, and half a one is completed. Another file than it was, or a
  // shorter one, has nothing to compare with. Rest::doubtful cuts them off instead: after a sync
  // that failed the kernel shows bytes that may never reach the disk.
  enum class Rest : std::uint8_t { there, doubtful };
  [[nodiscard]] Result<void> resume(const Place& place, Rest rest = Rest::there);
  // Flushed; what has been moved away meanwhile is made anew.
  [[nodiscard]] Result<void> reopen();

 private:
  AppendFile(int fd, std::string path, std::string_view header, std::string_view option,
             Content content)
      : fd_(fd), path_(std::move(path)), header_(header), option_(option), content_(content) {}
  [[nodiscard]] bool owned() const noexcept { return path_ != "-"; }
  [[nodiscard]] Result<void> open_path(Begin begin);
  [[nodiscard]] Result<void> begin();
  [[nodiscard]] Result<std::size_t> pass_over_what_is_there();
  [[nodiscard]] tl::unexpected<Error> failed() const;

  int fd_;
  std::string path_;
  std::string header_;
  std::string option_;
  Content content_;
  std::string lines_;
  std::uint64_t there_from_ = 0;  // bytes of the file that are expected to be put again
  std::uint64_t there_to_ = 0;
};

}  // namespace dpi
