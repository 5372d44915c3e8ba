// Network interfaces as the kernel has them now, and as they change. Needs no privilege.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "capture/interface/link_message.h"
#include "probe/base/file_descriptor.h"
#include "probe/base/result.h"

namespace dpi {

// Every interface of this network namespace, in the kernel's order. Errc::failure.
[[nodiscard]] Result<std::vector<LinkState>> list_links();
// Errc::input naming it when there is none of that name.
[[nodiscard]] Result<LinkState> find_link(const std::string& name);

// Nothing when it is gone.
[[nodiscard]] std::optional<LinkState> read_link(int index);

struct LinkChanges {
  std::vector<LinkState> links;  // oldest first
  bool complete = false;  // the kernel had to drop messages: every interface that exists is listed
};

// For one thread.
class LinkWatcher {
 public:
  [[nodiscard]] static Result<LinkWatcher> open();

  // Readable when changes() has something to say.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  // What has changed since the last call; never waits.
  [[nodiscard]] LinkChanges changes();

 private:
  explicit LinkWatcher(FileDescriptor fd) : fd_(std::move(fd)) {}
  FileDescriptor fd_;
};

}  // namespace dpi
