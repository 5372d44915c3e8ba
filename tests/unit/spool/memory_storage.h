// A disk in memory that loses power. It keeps what was synced apart from what was only written, and
// when the power goes decides for every unsynced 512-byte sector and for the file's length whether
// it had reached the disk; names survive in the order they were made. It also fails writes and
// syncs on demand, and a failed sync behaves as on Linux: the bytes stay in the cache, marked
// clean, and the next sync succeeds without them.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "probe/base/check.h"
#include "probe/spool/storage.h"

namespace dpi::test {

enum class Fault { none, power_cut, process_death, no_space, sync_error, short_write };

class MemoryStorage final : public Storage {
 public:
  explicit MemoryStorage(std::uint64_t seed = 1) : random_(seed) {}

  // The fault strikes at the n-th changing operation from now (from 1), once.
  void plan(Fault fault, std::uint64_t operation) {
    fault_ = fault;
    countdown_ = operation;
  }
  // After power_cut and process_death: everything fails until reboot() or restart().
  [[nodiscard]] bool stopped() const { return off_; }
  [[nodiscard]] std::uint64_t operations() const { return operations_; }
  // Seeded bugs for the harness's own test.
  bool sync_lies = false;
  bool reads_fail = false;
  bool folder_sync_lies = false;

  // A new process on the same machine: everything written is there, synced or not.
  void restart() {
    off_ = false;
    fault_ = Fault::none;
    locks_.clear();
    ++generation_;
  }

  // What a machine finds after the power came back.
  void reboot() {
    restart();
    const std::size_t kept = pick(pending_.size() + 1);
    for (std::size_t i = 0; i < kept; ++i) apply(pending_[i], durable_names_);
    pending_.clear();
    live_names_.clear();
    for (auto& [path, inode] : durable_names_) {
      auto survivor = std::make_shared<Inode>();
      survivor->live = survivor->durable = surviving(*inode);
      inode = survivor;
      live_names_[path] = survivor;
    }
  }

  // For tests that damage files directly; durable at once.
  [[nodiscard]] ByteBuffer contents(const std::filesystem::path& path) const {
    return live_names_.at(path.string())->live;
  }
  void set_contents(const std::filesystem::path& path, ByteBuffer bytes) {
    auto inode = std::make_shared<Inode>();
    inode->live = inode->durable = std::move(bytes);
    live_names_[path.string()] = durable_names_[path.string()] = inode;
  }
  [[nodiscard]] bool exists(const std::filesystem::path& path) const {
    return live_names_.contains(path.string());
  }

  IoResult<std::unique_ptr<StorageFile>> open(const std::filesystem::path& path,
                                              Mode mode) override {
    if (off_) return tl::unexpected<int>(EIO);
    const auto found = live_names_.find(path.string());
    if (mode != Mode::create) {
      if (found == live_names_.end()) return tl::unexpected<int>(ENOENT);
      return std::make_unique<File>(*this, found->second);
    }
    if (const int error = strike(false)) return tl::unexpected<int>(error);
    auto inode = std::make_shared<Inode>();
    change({{path.string(), inode}});
    return std::make_unique<File>(*this, inode);
  }

  IoResult<std::vector<std::string>> list(const std::filesystem::path& folder) override {
    if (off_) return tl::unexpected<int>(EIO);
    std::vector<std::string> names;
    for (const auto& [path, inode] : live_names_) {
      const std::filesystem::path full{path};
      if (full.parent_path() == folder) names.push_back(full.filename().string());
    }
    std::ranges::shuffle(names, random_);
    return names;
  }

  IoResult<std::uint64_t> file_size(const std::filesystem::path& path) override {
    if (off_) return tl::unexpected<int>(EIO);
    const auto found = live_names_.find(path.string());
    if (found == live_names_.end()) return tl::unexpected<int>(ENOENT);
    return found->second->live.size();
  }

  IoResult<void> create_folder(const std::filesystem::path&) override {
    if (off_) return tl::unexpected<int>(EIO);
    return {};
  }

  IoResult<void> rename(const std::filesystem::path& from,
                        const std::filesystem::path& to) override {
    if (const int error = strike(false)) return tl::unexpected<int>(error);
    const auto found = live_names_.find(from.string());
    if (found == live_names_.end()) return tl::unexpected<int>(ENOENT);
    change({{to.string(), found->second}, {from.string(), nullptr}});
    return {};
  }

  IoResult<void> remove(const std::filesystem::path& path) override {
    if (!off_ && !live_names_.contains(path.string())) return tl::unexpected<int>(ENOENT);
    if (const int error = strike(false)) return tl::unexpected<int>(error);
    change({{path.string(), nullptr}});
    return {};
  }

  IoResult<void> sync_folder(const std::filesystem::path&) override {
    if (const int error = strike(false)) return tl::unexpected<int>(error);
    if (folder_sync_lies) return {};
    for (const Change& one : pending_) apply(one, durable_names_);
    pending_.clear();
    return {};
  }

  IoResult<std::unique_ptr<StorageLock>> lock(const std::filesystem::path& path) override {
    if (off_) return tl::unexpected<int>(EIO);
    if (!locks_.insert(path.string()).second) return tl::unexpected<int>(EWOULDBLOCK);
    return std::make_unique<Lock>(*this, path.string());
  }

 private:
  static constexpr std::size_t sector_bytes = 512;

  struct Inode {
    ByteBuffer live;              // as programs see it
    ByteBuffer durable;           // as the disk has it
    std::set<std::size_t> dirty;  // sectors waiting to be written
  };
  using Names = std::map<std::string, std::shared_ptr<Inode>>;
  using Change =
      std::vector<std::pair<std::string, std::shared_ptr<Inode>>>;  // null: removed; atomic

  static void copy_sector(const ByteBuffer& from, ByteBuffer& to, std::size_t sector) {
    const std::size_t begin = std::min(sector * sector_bytes, to.size());
    const std::size_t end = std::min(begin + sector_bytes, to.size());
    const std::size_t there = std::clamp(from.size(), begin, end);
    std::copy(from.data() + std::min(begin, from.size()),
              from.data() + std::min(there, from.size()), to.data() + begin);
    std::fill(to.data() + there, to.data() + end, std::uint8_t{0});
  }

  class File final : public StorageFile {
   public:
    File(MemoryStorage& storage, std::shared_ptr<Inode> inode)
        : storage_(storage), inode_(std::move(inode)) {}

    IoResult<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> out) override {
      if (storage_.off_ || storage_.reads_fail) return tl::unexpected<int>(EIO);
      const ByteBuffer& bytes = inode_->live;
      if (offset >= bytes.size()) return std::size_t{0};
      const std::size_t count = std::min<std::size_t>(out.size(), bytes.size() - offset);
      std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), count, out.begin());
      return count;
    }

    IoResult<std::size_t> write(std::uint64_t offset, Bytes data) override {
      const bool strikes = storage_.strikes_next();
      const Fault fault = storage_.fault_;
      const int error = storage_.strike(true);
      std::size_t count = data.size();
      if (strikes && fault != Fault::sync_error) count = storage_.pick(data.size() + 1);
      if (strikes && fault == Fault::short_write) count = std::max<std::size_t>(count, 1);
      if (error == 0 || strikes) put(offset, data.first(count));
      if (error != 0) return tl::unexpected<int>(error);
      return count;
    }

    IoResult<void> sync() override {
      if (failed_) return {};  // the kernel reports a lost write once; this is the trap
      const bool strikes = storage_.strikes_next();
      const Fault fault = storage_.fault_;
      const int error = storage_.strike(false);
      if (error != 0 && !(strikes && fault == Fault::sync_error)) return tl::unexpected<int>(error);
      if (storage_.sync_lies) return {};
      if (error != 0) failed_ = true;
      if (error == 0) inode_->durable.resize(inode_->live.size());
      for (const std::size_t sector : inode_->dirty) {
        if (error == 0 || storage_.pick(2) == 0) copy_sector(inode_->live, inode_->durable, sector);
      }
      inode_->dirty.clear();
      if (error != 0) return tl::unexpected<int>(error);
      return {};
    }

    IoResult<void> truncate(std::uint64_t size) override {
      if (const int error = storage_.strike(false)) return tl::unexpected<int>(error);
      inode_->live.resize(size);
      inode_->dirty.erase(inode_->dirty.lower_bound((size + sector_bytes - 1) / sector_bytes),
                          inode_->dirty.end());
      if (size % sector_bytes != 0) inode_->dirty.insert(size / sector_bytes);
      return {};
    }

    IoResult<std::uint64_t> size() override {
      if (storage_.off_) return tl::unexpected<int>(EIO);
      return inode_->live.size();
    }

    void drop_cache() noexcept override {
      for (std::size_t sector = 0; sector * sector_bytes < inode_->live.size(); ++sector) {
        if (!inode_->dirty.contains(sector)) copy_sector(inode_->durable, inode_->live, sector);
      }
    }

   private:
    void put(std::uint64_t offset, Bytes data) {
      if (data.empty()) return;
      if (inode_->live.size() < offset + data.size()) inode_->live.resize(offset + data.size());
      std::ranges::copy(data, inode_->live.begin() + static_cast<std::ptrdiff_t>(offset));
      const std::size_t last = (offset + data.size() - 1) / sector_bytes;
      for (std::size_t sector = offset / sector_bytes; sector <= last; ++sector) {
        inode_->dirty.insert(sector);
      }
    }

    MemoryStorage& storage_;
    std::shared_ptr<Inode> inode_;
    bool failed_ = false;
  };

  class Lock final : public StorageLock {
   public:
    Lock(MemoryStorage& storage, std::string path)
        : storage_(storage), path_(std::move(path)), generation_(storage.generation_) {}
    ~Lock() override {
      if (generation_ == storage_.generation_) storage_.locks_.erase(path_);
    }

   private:
    MemoryStorage& storage_;
    std::string path_;
    std::uint64_t generation_;
  };

  static void apply(const Change& one, Names& names) {
    for (const auto& [path, inode] : one) {
      if (inode == nullptr) {
        names.erase(path);
      } else {
        names[path] = inode;
      }
    }
  }
  void change(Change one) {
    apply(one, live_names_);
    pending_.push_back(std::move(one));
  }

  [[nodiscard]] bool strikes_next() const {
    return !off_ && fault_ != Fault::none && countdown_ == 1;
  }

  // Counts a changing operation; gives the errno that it must fail with, or 0.
  int strike(bool is_write) {
    if (off_) return EIO;
    ++operations_;
    if (fault_ == Fault::none || --countdown_ > 0) return 0;
    const Fault fault = std::exchange(fault_, Fault::none);
    if (fault == Fault::power_cut || fault == Fault::process_death) {
      off_ = true;
      return EIO;
    }
    if (fault == Fault::short_write) return 0;
    if (fault == Fault::no_space) return is_write ? ENOSPC : 0;
    return is_write ? 0 : EIO;
  }

  // Between the disk and the cache, sector by sector.
  ByteBuffer surviving(const Inode& inode) {
    const std::size_t least = std::min(inode.live.size(), inode.durable.size());
    const std::size_t most = std::max(inode.live.size(), inode.durable.size());
    std::size_t size = inode.durable.size();
    if (least != most && pick(2) == 0) size = least + pick(most - least + 1);
    ByteBuffer bytes = inode.durable;
    bytes.resize(size);
    for (const std::size_t sector : inode.dirty) {
      if (pick(2) == 0) copy_sector(inode.live, bytes, sector);
    }
    return bytes;
  }

  std::size_t pick(std::size_t below) { return static_cast<std::size_t>(random_() % below); }

  std::mt19937_64 random_;
  Names live_names_;
  Names durable_names_;
  std::vector<Change> pending_;  // not yet safe, oldest first
  std::set<std::string> locks_;
  std::uint64_t generation_ = 0;
  bool off_ = false;
  Fault fault_ = Fault::none;
  std::uint64_t countdown_ = 0;
  std::uint64_t operations_ = 0;
};

}  // namespace dpi::test
