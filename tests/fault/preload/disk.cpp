#include "tests/fault/preload/disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "tests/fault/preload/real.h"

namespace fault {
namespace {

constexpr off_t sector_bytes = 512;

off_t size_of(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? status.st_size : 0;
}

std::vector<char> bytes_of(int fd, off_t from, off_t to) {
  std::vector<char> out(static_cast<std::size_t>(std::max<off_t>(to - from, 0)));
  const ssize_t got = ::pread(fd, out.data(), out.size(), from);
  out.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return out;
}

// A descriptor of our own, which nobody counts.
class Quiet {
 public:
  explicit Quiet(const std::string& path, int flags = O_RDWR)
      : fd_(FAULT_REAL(open)(path.c_str(), flags | O_CLOEXEC, 0640)) {}
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;
  ~Quiet() {
    if (fd_ >= 0) FAULT_REAL(close)(fd_);
  }
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] std::vector<char> all() const { return bytes_of(fd_, 0, size_of(fd_)); }
  void fill(const std::vector<char>& bytes) const {
    if (FAULT_REAL(ftruncate)(fd_, static_cast<off_t>(bytes.size())) != 0) return;
    static_cast<void>(FAULT_REAL(pwrite)(fd_, bytes.data(), bytes.size(), 0));
  }

 private:
  int fd_;
};

std::vector<char> contents(const std::string& path) {
  const Quiet file(path, O_RDONLY);
  return file.fd() < 0 ? std::vector<char>{} : file.all();
}

std::string folder_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

}  // namespace

std::shared_ptr<Disk::File> Disk::file(const std::string& path) {
  auto& known = files_[path];
  if (!known) known = std::make_shared<File>(File{path, false, {}});
  return known;
}

void Disk::opened(int fd, const std::string& path, bool created, bool folder) {
  auto& known = files_[path];
  if (created) {
    known = nullptr;
    names_.push_back({Name::created, path, {}, {}, false});
  }
  open_[fd] = file(path);
  open_[fd]->folder = folder;
}

ssize_t Disk::write(int fd, const void* data, std::size_t size, off_t offset) {
  Undo undo{offset, bytes_of(fd, offset, offset + static_cast<off_t>(size)), size_of(fd), false};
  const ssize_t wrote = FAULT_REAL(pwrite)(fd, data, size, offset);
  if (wrote > 0) open_.at(fd)->undo.push_back(std::move(undo));
  return wrote;
}

int Disk::truncate(int fd, off_t size) {
  Undo undo{size, bytes_of(fd, size, size_of(fd)), size_of(fd), false};
  const int done = FAULT_REAL(ftruncate)(fd, size);
  if (done == 0) open_.at(fd)->undo.push_back(std::move(undo));
  return done;
}

void Disk::synced(int fd) {
  File& file = *open_.at(fd);
  if (file.folder) {
    std::erase_if(names_, [&](const Name& name) { return folder_of(name.name) == file.path; });
    return;
  }
  std::erase_if(file.undo, [](const Undo& undo) { return !undo.dropped; });
}

void Disk::sync_failed(int fd) {
  for (Undo& undo : open_.at(fd)->undo) undo.dropped = true;
}

// Puts back what stood there, newest first: of everything, or with `random` of some sectors.
void Disk::revert(const std::string& path, std::vector<Undo>& undo, Settings* random,
                  bool only_dropped) {
  const Quiet file(path);
  if (file.fd() < 0) return;
  const std::vector<char> now = file.all();
  std::vector<char> disk = now;
  for (auto step = undo.rbegin(); step != undo.rend(); ++step) {
    if (only_dropped && !step->dropped) continue;
    disk.resize(static_cast<std::size_t>(step->size));
    const auto end =
        std::min(disk.size(), static_cast<std::size_t>(step->offset) + step->before.size());
    for (auto at = static_cast<std::size_t>(step->offset); at < end; ++at)
      disk[at] = step->before[at - static_cast<std::size_t>(step->offset)];
  }
  if (random != nullptr) {
    // 0: nothing had reached the disk; 1: all of it; else each sector and the length by themselves.
    const auto luck = random->random() % 4;
    const auto kept = [&] { return luck == 1 || (luck > 1 && random->random() % 2 == 1); };
    std::vector<char> found = now;
    const bool longer = kept();
    if (!longer) found.resize(disk.size());
    for (std::size_t at = 0; at < found.size(); at += sector_bytes) {
      if (kept()) continue;
      ++random->state->sectors_lost;
      for (std::size_t i = at; i < std::min(at + sector_bytes, found.size()); ++i)
        found[i] = i < disk.size() ? disk[i] : '\0';
    }
    disk = std::move(found);
  }
  file.fill(disk);
}

void Disk::cache_dropped(int fd) {
  File& file = *open_.at(fd);
  if (std::ranges::none_of(file.undo, &Undo::dropped)) return;
  revert(file.path, file.undo, nullptr, true);
  std::erase_if(file.undo, [](const Undo& undo) { return undo.dropped; });
}

int Disk::rename(const char* from, const char* to) {
  Name name{Name::renamed, from, to, contents(to), ::access(to, F_OK) == 0};
  const int done = FAULT_REAL(rename)(from, to);
  if (done != 0) return done;
  names_.push_back(std::move(name));
  files_[to] = file(from);
  files_[to]->path = to;
  files_.erase(from);
  return done;
}

int Disk::unlink(const char* path) {
  Name name{Name::removed, path, {}, contents(path), true};
  const int done = FAULT_REAL(unlink)(path);
  if (done != 0) return done;
  names_.push_back(std::move(name));
  files_.erase(path);
  return done;
}

int Disk::mkdir(const char* path, mode_t mode) {
  const int done = FAULT_REAL(mkdir)(path, mode);
  if (done == 0) names_.push_back({Name::folder, path, {}, {}, false});
  return done;
}

// Each change of a name is there or not; one that builds on another that is not, is not either.
void Disk::lose_names(Settings& settings) {
  const auto luck = settings.random() % 4;
  std::set<std::string> lost_names;
  std::vector<const Name*> lost;
  for (const Name& name : names_) {
    const bool builds_on_lost = std::ranges::any_of(lost_names, [&](const std::string& gone) {
      return name.name == gone || name.to == gone || name.name.starts_with(gone + "/") ||
             name.to.starts_with(gone + "/");
    });
    const bool unlucky = luck == 0 || (luck > 1 && settings.random() % 2 == 1);
    if (!builds_on_lost && !unlucky) continue;
    lost.push_back(&name);
    lost_names.insert(name.name);
    if (!name.to.empty()) lost_names.insert(name.to);
  }
  settings.state->names_lost += static_cast<std::int64_t>(lost.size());
  for (auto step = lost.rbegin(); step != lost.rend(); ++step) {
    const Name& name = **step;
    switch (name.what) {
      case Name::created:
        FAULT_REAL(unlink)(name.name.c_str());
        break;
      case Name::renamed:
        FAULT_REAL(rename)(name.to.c_str(), name.name.c_str());
        if (name.was_there) Quiet(name.to, O_RDWR | O_CREAT).fill(name.before);
        break;
      case Name::removed:
        Quiet(name.name, O_RDWR | O_CREAT).fill(name.before);
        break;
      case Name::folder:
        ::rmdir(name.name.c_str());
        break;
    }
  }
}

void Disk::lose(Settings& settings) {
  for (auto& [path, file] : files_) {
    if (!file->folder && !file->undo.empty()) revert(path, file->undo, &settings, false);
  }
  lose_names(settings);
}

}  // namespace fault
