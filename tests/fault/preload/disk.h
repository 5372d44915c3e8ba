// What a disk would have kept: remembers, for every file and name changed since it was synced, how
// to undo it. When the power goes each sector, length and name that was not synced is there or not,
// at random. The functions do the real thing and remember; the caller holds the lock.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/fault/preload/settings.h"

namespace fault {

class Disk {
 public:
  // Of a file or folder that was opened; `created`: its name is new.
  void opened(int fd, const std::string& path, bool created, bool folder);
  void closed(int fd) { open_.erase(fd); }
  [[nodiscard]] bool knows(int fd) const { return open_.contains(fd); }
  [[nodiscard]] bool is_folder(int fd) const { return open_.at(fd)->folder; }

  ssize_t write(int fd, const void* data, std::size_t size, off_t offset);
  int truncate(int fd, off_t size);
  // Everything of it is on the disk; a folder: its names.
  void synced(int fd);
  // The kernel dropped what it could not write: it is read as long as it is cached, marked clean,
  // and no later sync writes it (fsync(2), Linux).
  void sync_failed(int fd);
  void cache_dropped(int fd);
  int rename(const char* from, const char* to);
  int unlink(const char* path);
  int mkdir(const char* path, mode_t mode);

  // What is found when the power is back.
  void lose(Settings& settings);

 private:
  struct Undo {
    off_t offset = 0;
    std::vector<char> before;  // bytes that stood there
    off_t size = 0;            // of the file, before
    bool dropped = false;
  };
  struct File {
    std::string path;
    bool folder = false;
    std::vector<Undo> undo;
  };
  struct Name {
    enum { created, renamed, removed, folder } what;
    std::string name;
    std::string to;            // renamed
    std::vector<char> before;  // removed, or what the new name was before
    bool was_there = false;
  };

  std::shared_ptr<File> file(const std::string& path);
  static void revert(const std::string& path, std::vector<Undo>& undo, Settings* random,
                     bool only_dropped);
  void lose_names(Settings& settings);

  std::map<int, std::shared_ptr<File>> open_;
  std::map<std::string, std::shared_ptr<File>> files_;
  std::vector<Name> names_;
};

}  // namespace fault
