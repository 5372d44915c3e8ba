#include "probe/pipeline/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdio>
#include <ctime>

#include "probe/base/check.h"
#include "probe/base/clock.h"
#include "probe/pipeline/raw_ip.h"

namespace dpi {
namespace {

constexpr int look_every_ms = 100;
// A worker that dies before it has done anything would do so again at once.
constexpr std::uint64_t hopeless_ms = 1000;
constexpr std::uint64_t pause_ms = 100;
// For what a process does at its end, all of them together.
constexpr std::uint64_t leaving_max_ms = 5000;

std::uint64_t now_ms() noexcept {
  return boot_time_us() / 1000;
}

std::uint64_t cpu_time_ns(pid_t pid) noexcept {
  clockid_t clock{};
  timespec used{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &used) != 0) return 0;
  return static_cast<std::uint64_t>(used.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(used.tv_nsec);
}

// Nobody of them outlives who asked for it.
void die_with(pid_t parent) noexcept {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // NOLINT(*-vararg)
  if (::getppid() != parent) ::_exit(1);
}

void call_itself(const std::string& name) noexcept {
  ::prctl(PR_SET_NAME, name.c_str());  // NOLINT(*-vararg)
}

// Not being able to is no fault: the machine may have fewer processors.
void run_on(int cpu) noexcept {
  if (cpu < 0 || cpu >= CPU_SETSIZE) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  ::sched_setaffinity(0, sizeof set, &set);
}

void limit(int resource, std::uint64_t bytes) noexcept {
  const rlimit both{.rlim_cur = bytes, .rlim_max = bytes};
  ::setrlimit(static_cast<__rlimit_resource>(resource), &both);
}

// Standard error stays: a broken invariant is told there.
void keep_only(int fd) noexcept {
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);  // NOLINT(*-vararg)
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(nothing, STDOUT_FILENO);
  constexpr int first = STDERR_FILENO + 1;
  if (fd > first) ::close_range(first, static_cast<unsigned>(fd) - 1, 0);
  ::close_range(static_cast<unsigned>(fd) + 1, ~0U, 0);
}

[[noreturn]] void give_up(const Error& error) noexcept {
  std::fprintf(stderr, "%s\n", error.what.c_str());
  ::_exit(1);
}

std::uint64_t progress_of(const WorkerBoard& board) noexcept {
  return board.steps.load(std::memory_order_relaxed) +
         board.told.facts.load(std::memory_order_relaxed);
}

// Takes the difference that the worker left and begins anew.
void count_losses(WorkerBoard& board) noexcept {
  const auto settle = [](std::atomic<std::uint64_t>& lost, std::atomic<std::uint64_t>& played,
                         std::atomic<std::uint64_t>& told) {
    const std::uint64_t given = played.exchange(0, std::memory_order_relaxed);
    const std::uint64_t out = told.exchange(0, std::memory_order_relaxed);
    lost.store(lost.load(std::memory_order_relaxed) + given - std::min(given, out),
               std::memory_order_relaxed);
  };
  settle(board.lost_packets, board.packets_played, board.told.packets);
  settle(board.lost_bytes, board.bytes_played, board.told.bytes);
}

}  // namespace

Supervisor::Supervisor(SupervisorSettings settings, std::shared_ptr<Classifier> classifier,
                       std::vector<WorkerChannel>& channels, SlotRing<WorkerDeath>& deaths,
                       SupervisorBoard& board, FileDescriptor orders, pid_t parent)
    : settings_(std::move(settings)),
      classifier_(std::move(classifier)),
      channels_(channels),
      deaths_(deaths),
      board_(board),
      orders_(std::move(orders)),
      children_(channels.size()) {
  die_with(parent);
  call_itself("dpi-supervisor");
  keep_only(orders_.get());
  limit(RLIMIT_CORE, 0);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  child_signals_ = FileDescriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (settings_.confine_supervisor == nullptr) return;
  if (const auto confined = settings_.confine_supervisor(); !confined) give_up(confined.error());
}

void Supervisor::run() {
  while (true) {
    std::array<pollfd, 2> events{
        pollfd{.fd = orders_.get(), .events = POLLIN, .revents = 0},
        pollfd{.fd = child_signals_.get(), .events = POLLIN, .revents = 0}};
    ::poll(events.data(), events.size(), look_every_ms);
    reap();
    if (events[0].revents != 0) take_order();
    for (std::uint32_t w = 0; w < children_.size(); ++w) {
      Child& child = children_[w];
      if (child.untold) tell(w);
      if (child.pid != 0) {
        watch(child, channels_[w].board[0]);
      } else if (child.start_at_ms != 0 && now_ms() >= child.start_at_ms) {
        start(w);
      }
    }
  }
}

void Supervisor::take_order() {
  char order = 0;
  const auto got = ::recv(orders_.get(), &order, 1, MSG_DONTWAIT);
  if (got < 0) return;
  if (got == 0) {
    end_all();
    ::_exit(0);
  }
  if (static_cast<Order>(order) == Order::begin) {
    for (std::uint32_t w = 0; w < children_.size(); ++w) start(w);
    return;
  }
  end_all();
  ::send(orders_.get(), &order, 1, MSG_NOSIGNAL);
}

void Supervisor::start(std::uint32_t worker) {
  Child& child = children_[worker];
  WorkerBoard& board = channels_[worker].board[0];
  board.incarnation.store(board.incarnation.load(std::memory_order_relaxed) + 1,
                          std::memory_order_relaxed);
  board.leaves.store(false, std::memory_order_relaxed);
  const pid_t me = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    die_with(me);
    become_worker(worker);
  }
  child.began_ms = now_ms();
  child.start_at_ms = pid < 0 ? child.began_ms + pause_ms : 0;
  child.pid = pid < 0 ? 0 : pid;
  child.seen = child.at_start = progress_of(board);
  child.cpu_ns = 0;
  child.stuck = false;
}

void Supervisor::become_worker(std::uint32_t worker) {
  call_itself("dpi-worker-" + std::to_string(worker));
  orders_ = FileDescriptor();
  child_signals_ = FileDescriptor();
  // What the others share is none of its business.
  WorkerChannel channel = std::move(channels_[worker]);
  const auto workers = static_cast<std::uint32_t>(channels_.size());
  channels_.clear();
  deaths_ = {};
  if (worker < settings_.worker_cpus.size()) run_on(settings_.worker_cpus[worker]);
  if (settings_.data_bytes_max > 0) limit(RLIMIT_DATA, settings_.data_bytes_max);
  if (settings_.confine_worker != nullptr) {
    if (const auto confined = settings_.confine_worker(); !confined) give_up(confined.error());
  }
  const std::size_t left_out =
      std::min<std::size_t>(board_.left_out_count, SupervisorBoard::left_out_max);
  const WorkerSettings settings{.limits = settings_.limits,
                                .seed = settings_.seed,
                                .index = worker,
                                .workers = workers,
                                .left_out = LeftOutList(std::span{board_.left_out}.first(left_out)),
                                .canary = &board_.canary};
  const auto one =
      std::make_unique<Worker>(settings, channel, std::move(classifier_), board_.recorder);
  one->run();
  ::_exit(0);  // its memory goes with it, without being walked
}

void Supervisor::reap() {
  signalfd_siginfo told{};
  while (::read(child_signals_.get(), &told, sizeof told) > 0) {
  }
  int status = 0;
  while (const pid_t pid = ::waitpid(-1, &status, WNOHANG)) {
    if (pid < 0) return;
    for (std::uint32_t w = 0; w < children_.size(); ++w) {
      Child& child = children_[w];
      if (child.pid != pid) continue;
      child.pid = 0;
      if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) child.untold = status;
    }
  }
}

// Tells of a worker that has died, once there is room to tell it, and has it started again.
void Supervisor::tell(std::uint32_t worker) {
  WorkerDeath* const death = deaths_.try_claim();
  if (death == nullptr) return;
  Child& child = children_[worker];
  WorkerChannel& channel = channels_[worker];
  const int status = *child.untold;
  child.untold.reset();
  death->worker = worker;
  death->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  death->stuck = child.stuck;
  death->uptime_ms = now_ms() - child.began_ms;
  settle(child, channel, *death);
  count_losses(channel.board[0]);
  // What it had told and not yet handed over is not lost; but a replay goes back to where its
  // events are certain.
  if (settings_.restart) channel.facts.publish_left();
  deaths_.publish();
  board_.recorder.ring();
  if (!settings_.restart) return;
  const bool idle = progress_of(channel.board[0]) == child.at_start;
  child.start_at_ms = now_ms() + (idle && death->uptime_ms < hopeless_ms ? pause_ms : 0);
  if (child.start_at_ms <= now_ms()) start(worker);
}

// What it was at, and where the next one goes on: behind a packet; before anything else, for time
// and ends are not to be missed, but not a second time.
void Supervisor::settle(Child& child, WorkerChannel& channel, WorkerDeath& death) {
  const std::uint64_t flow = channel.board[0].concluding.exchange(0, std::memory_order_relaxed);
  death.at = WorkerDeath::At::nothing;
  death.number = death.item = 0;
  death.packet_bytes = death.wire_bytes = 0;
  for (std::size_t f = 0; f < channel.places.size(); ++f) {
    std::atomic<std::uint64_t>& place = channel.places[f].place;
    WorkPlace at = WorkPlace::unpack(place.load(std::memory_order_acquire));
    const WorkBatch* const batch = channel.work[f].oldest();
    if (!at.busy || batch == nullptr || at.batch != channel.work[f].released()) continue;
    const auto item = batch->summary(at.item);
    if (!item) continue;
    death.at = item->seen != nullptr ? WorkerDeath::At::packet : WorkerDeath::At::other;
    death.number = death.item = item->number;
    if (item->seen != nullptr) {
      death.key = item->key->key;
      death.time = item->seen->time;
      death.wire_bytes = item->wire_bytes;
      death.packet_bytes = static_cast<std::uint32_t>(write_raw_ip(*item->seen, death.packet));
    }
    if (flow != 0) {
      death.at = WorkerDeath::At::conclusion;
      death.number = flow;
    }
    at.busy = false;
    if (item->seen != nullptr || child.retried == at.pack()) {
      ++at.item;
    } else {
      child.retried = at.pack();
    }
    place.store(at.pack(), std::memory_order_release);
  }
}

void Supervisor::watch(Child& child, const WorkerBoard& board) {
  const std::uint64_t progress = progress_of(board);
  const std::uint64_t cpu_ns = cpu_time_ns(child.pid);
  if (progress != child.seen || child.cpu_ns == 0) {
    child.seen = progress;
    child.cpu_ns = cpu_ns;
    return;
  }
  if (std::chrono::nanoseconds{cpu_ns - std::min(cpu_ns, child.cpu_ns)} < settings_.cpu_budget)
    return;
  ::kill(child.pid, child.stuck ? SIGKILL : stuck_signal);
  child.stuck = true;
}

// Who is leaving may do so: a profiler or a sanitizer writes what it has seen at a process's end.
void Supervisor::end_all() {
  const std::uint64_t patience_until = now_ms() + leaving_max_ms;
  for (std::uint32_t w = 0; w < children_.size(); ++w) {
    Child& child = children_[w];
    const bool leaves = channels_[w].board[0].leaves.load(std::memory_order_acquire);
    while (leaves && child.pid != 0 && now_ms() < patience_until) {
      if (::waitpid(child.pid, nullptr, WNOHANG) != 0) child.pid = 0;
      if (child.pid != 0) ::poll(nullptr, 0, 1);
    }
    if (child.pid != 0) ::kill(child.pid, SIGKILL);
  }
  for (Child& child : children_) {
    if (child.pid != 0) ::waitpid(child.pid, nullptr, 0);
    child = Child{};
  }
}

}  // namespace dpi
