// Releases batches on a thread of its own. Test code only.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "probe/base/packet.h"

namespace dpi::test {

class Releaser {
 public:
  Releaser() : thread_([this] { run(); }) {}
  Releaser(const Releaser&) = delete;
  Releaser& operator=(const Releaser&) = delete;
  ~Releaser() {
    {
      const std::lock_guard lock{mutex_};
      ended_ = true;
    }
    given_.notify_one();
    thread_.join();
  }

  void give(Batch batch) {
    {
      const std::lock_guard lock{mutex_};
      batches_.push_back(std::move(batch));
    }
    given_.notify_one();
  }

 private:
  void run() {
    std::unique_lock lock{mutex_};
    while (!ended_ || !batches_.empty()) {
      given_.wait(lock, [this] { return ended_ || !batches_.empty(); });
      std::deque<Batch> taken = std::exchange(batches_, {});
      lock.unlock();
      taken.clear();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable given_;
  std::deque<Batch> batches_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace dpi::test
