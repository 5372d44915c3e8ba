#include "probe/pipeline/worker_pool.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "probe/base/check.h"

namespace dpi {
namespace {

constexpr std::size_t deaths_waiting_max = 16;

Error system_error(const char* what) {
  return {Errc::failure, std::string{"workers: "} + what + ": " + std::strerror(errno)};
}

}  // namespace

Result<std::unique_ptr<WorkerPool>> WorkerPool::start(WorkerPoolSettings settings,
                                                      std::shared_ptr<Classifier> classifier) {
  DPI_CHECK(settings.workers >= 1 && settings.workers <= lane_count && settings.fronts >= 1);
  std::unique_ptr<WorkerPool> out(new WorkerPool);  // its constructor is private
  out->classifier_ = std::move(classifier);
  out->fronts_ = settings.fronts;
  out->restarts_ = settings.supervisor.restart;
  for (std::uint32_t w = 0; w < settings.workers; ++w) {
    auto channel =
        WorkerChannel::make(settings.fronts, settings.work_batches, settings.fact_batches);
    if (!channel) return tl::unexpected(channel.error());
    out->channels_.push_back(std::move(*channel));
  }
  auto deaths = SlotRing<WorkerDeath>::make(deaths_waiting_max, deaths_waiting_max - 1);
  if (!deaths) return tl::unexpected(deaths.error());
  out->deaths_ = std::move(*deaths);
  auto board = SharedArray<SupervisorBoard>::make(1);
  if (!board) return tl::unexpected(board.error());
  out->board_ = std::move(*board);

  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return tl::unexpected(system_error("socketpair"));
  out->orders_ = FileDescriptor(ends[0]);
  FileDescriptor theirs(ends[1]);
  const pid_t me = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return tl::unexpected(system_error("fork"));
  if (pid == 0) {
    Supervisor(std::move(settings.supervisor), out->classifier_, out->channels_, out->deaths_,
               out->board_[0], std::move(theirs), me)
        .run();
  }
  out->supervisor_ = pid;
  return out;
}

WorkerPool::~WorkerPool() {
  if (supervisor_ == 0) return;
  orders_ = FileDescriptor();
  ::waitpid(supervisor_, nullptr, 0);
}

void WorkerPool::begin(std::span<const LeftOut> left_out) {
  DPI_CHECK(left_out.size() <= SupervisorBoard::left_out_max);
  for (WorkerChannel& channel : channels_) channel.reset();
  deaths_.consume_on();
  std::copy(left_out.begin(), left_out.end(), board_[0].left_out.begin());
  board_[0].left_out_count = static_cast<std::uint32_t>(left_out.size());
  const char order = static_cast<char>(Order::begin);
  ::send(orders_.get(), &order, 1, MSG_NOSIGNAL);
}

void WorkerPool::end() {
  char order = static_cast<char>(Order::end);
  if (::send(orders_.get(), &order, 1, MSG_NOSIGNAL) == 1) ::recv(orders_.get(), &order, 1, 0);
  while (deaths_.try_take() != nullptr) deaths_.release();
}

bool WorkerPool::alive() const noexcept {
  pollfd event{.fd = orders_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&event, 1, 0) == 0;
}

}  // namespace dpi
