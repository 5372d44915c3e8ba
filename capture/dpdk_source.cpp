#include "capture/dpdk_source.h"

#include <dlfcn.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <bit>
#include <sstream>
#include <system_error>
#include <utility>

#include "capture/dpdk/plugin_abi.h"
#include "capture/warning_list.h"
#include "probe/base/check.h"

namespace dpi {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

// The started plugin; ends when the last source and the last batch are gone.
class Session {
 public:
  explicit Session(const dpi_dpdk_plugin_table& plugin) : plugin_(plugin) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { plugin_.stop(); }
  [[nodiscard]] const dpi_dpdk_plugin_table& plugin() const noexcept { return plugin_; }

 private:
  const dpi_dpdk_plugin_table& plugin_;
};

// What a batch holds of one burst.
class BurstLease {
 public:
  explicit BurstLease(std::shared_ptr<const Session> session) : session_(std::move(session)) {}
  BurstLease(const BurstLease&) = delete;
  BurstLease& operator=(const BurstLease&) = delete;
  ~BurstLease() {
    for (void* copy : copies_) session_->plugin().release_copy(copy);
    session_->plugin().release(buffers_.data(), count_);
  }
  void add(const dpi_dpdk_packet& packet) {
    buffers_[count_++] = packet.buffer;
    if (packet.copy != nullptr) copies_.push_back(packet.copy);
  }

 private:
  std::shared_ptr<const Session> session_;
  std::array<void*, DPI_DPDK_BURST_MAX> buffers_{};
  std::uint32_t count_ = 0;
  std::vector<void*> copies_;
};

class DpdkSource final : public PacketSource {
 public:
  DpdkSource(std::shared_ptr<const Session> session, std::uint32_t port, std::uint32_t queue,
             std::span<const std::string> notes)
      : session_(std::move(session)), port_(port), queue_(queue) {
    dpi_dpdk_port facts{};
    session_->plugin().port(port, &facts);
    name_ = std::string{"dpdk:"} + facts.name;
    for (const std::string& note : notes) warnings_.add("DPDK: " + note);
    link_up_ = counters().link_up != 0;
  }
  ~DpdkSource() override {
    Batch rest;
    move_packets(rest, waiting_.size());
  }

  Result<SourceState> poll(Batch& batch, std::size_t packets_max, milliseconds timeout) override;
  CaptureStats stats() const noexcept override;
  std::span<const std::string> warnings() const noexcept override { return warnings_.all(); }
  std::string_view name() const noexcept override { return name_; }

 private:
  dpi_dpdk_counters counters() const noexcept {
    dpi_dpdk_counters now{};
    session_->plugin().counters(port_, &now);
    return now;
  }
  void move_packets(Batch& batch, std::size_t packets_max);
  void deliver(const dpi_dpdk_packet& packet, Batch& batch);
  void look_at_link(Steady::time_point now);

  std::shared_ptr<const Session> session_;
  std::uint32_t port_;
  std::uint32_t queue_;
  std::string name_;
  WarningList warnings_;
  CaptureStats stats_;
  std::array<dpi_dpdk_packet, DPI_DPDK_BURST_MAX> burst_{};
  std::span<const dpi_dpdk_packet> waiting_;  // of the burst, not handed over yet
  bool link_up_ = false;
  Steady::time_point look_again_;
};

void DpdkSource::deliver(const dpi_dpdk_packet& packet, Batch& batch) {
  constexpr std::uint16_t tpid_8021q = 0x8100;  // DPDK does not tell it
  constexpr std::uint32_t tag_bytes = 4;
  const bool stripped = packet.vlan_stripped != 0;
  RawPacket raw{.data = Bytes{packet.data, packet.bytes},
                .wire_bytes = packet.bytes + (stripped ? tag_bytes : 0),
                .time = timestamp(packet.time_ns),
                .link = LinkType{1},
                .vlan_tci = packet.vlan_tci,
                .vlan_tpid = stripped ? tpid_8021q : std::uint16_t{0},
                .vlan_stripped = stripped};
  ++stats_.packets;
  stats_.captured_bytes += packet.bytes;
  stats_.wire_bytes += raw.wire_bytes;
  if (packet.bytes == 0) ++stats_.zero_packets;
  if (packet.copy != nullptr) ++stats_.copied_packets;
  batch.add(raw);
}

void DpdkSource::move_packets(Batch& batch, std::size_t packets_max) {
  const auto taken = waiting_.first(std::min(packets_max, waiting_.size()));
  if (taken.empty()) return;
  auto lease = std::make_shared<BurstLease>(session_);
  for (const dpi_dpdk_packet& packet : taken) {
    lease->add(packet);
    deliver(packet, batch);
  }
  batch.hold(std::move(lease));
  waiting_ = waiting_.subspan(taken.size());
}

void DpdkSource::look_at_link(Steady::time_point now) {
  constexpr std::chrono::seconds interval{1};
  if (queue_ != 0 || now < look_again_) return;
  look_again_ = now + interval;
  const bool up = counters().link_up != 0;
  if (up == link_up_) return;
  link_up_ = up;
  ++stats_.link_changes;
  warnings_.add(name_ + (up ? ": the link is up; capture goes on"
                            : ": the link is down; capture goes on when it is up"));
}

Result<SourceState> DpdkSource::poll(Batch& batch, std::size_t packets_max, milliseconds timeout) {
  DPI_CHECK(packets_max > 0);
  batch.clear();
  constexpr milliseconds timeout_max = std::chrono::hours{24};
  const auto deadline = Steady::now() + std::min(timeout, timeout_max);
  for (;;) {
    while (batch.size() < packets_max) {
      if (waiting_.empty()) {
        waiting_ = {burst_.data(), session_->plugin().receive(port_, queue_, burst_.data())};
        if (waiting_.empty()) break;
      }
      move_packets(batch, packets_max - batch.size());
    }
    const auto now = Steady::now();
    if (batch.empty() || batch.size() < packets_max) look_at_link(now);
    if (!batch.empty()) return SourceState::packets;
    if (now >= deadline) return SourceState::idle;
    // An idle queue costs no core; the ring holds what comes meanwhile.
    constexpr long idle_sleep_ns = 100'000;
    const timespec pause{0, idle_sleep_ns};
    ::nanosleep(&pause, nullptr);
  }
}

CaptureStats DpdkSource::stats() const noexcept {
  CaptureStats stats = stats_;
  if (queue_ == 0) {
    const dpi_dpdk_counters now = counters();
    stats.dropped_nic = now.missed;
    stats.dropped_pool = now.no_buffer;
  }
  return stats;
}

Result<void> check_options(const DpdkOptions& o) {
  const auto within = [](std::size_t value, std::size_t low, std::size_t high) {
    return value >= low && value <= high;
  };
  if (!within(o.queues, 1, 64)) return fail(Errc::usage, "DPDK: queues must be 1–64");
  if (!within(o.descriptors, 64, 32'768))
    return fail(Errc::usage, "DPDK: descriptors must be 64–32768");
  if (!within(o.held_packets, 64, 1U << 20U))
    return fail(Errc::usage, "DPDK: held_packets must be 64–1048576");
  if (!within(o.buffer_bytes, 512, 16'384))
    return fail(Errc::usage, "DPDK: buffer_bytes must be 512–16384");
  if (o.mtu_bytes != 0 && !within(o.mtu_bytes, 68, 65'535))
    return fail(Errc::usage, "DPDK: mtu_bytes must be 68–65535");
  return {};
}

Result<const dpi_dpdk_plugin_table*> load(const DpdkOptions& options) {
  const std::filesystem::path path = options.plugin.empty() ? find_dpdk_plugin() : options.plugin;
  if (path.empty()) {
    return fail(Errc::usage,
                "DPDK: the plugin libransomeye_dpdk.so is neither next to the program nor in "
                "../lib/ransomeye; build it where libdpdk-dev is installed, or name its path");
  }
  // Never unloaded: DPDK leaves a thread and exit handlers behind.
  void* const library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const reason = ::dlerror();
    return fail(Errc::usage, "DPDK: the plugin cannot be loaded: " +
                                 std::string{reason != nullptr ? reason : "no reason given"} +
                                 "; are the packages of DPDK installed?");
  }
  const auto* const table =
      static_cast<const dpi_dpdk_plugin_table*>(::dlsym(library, DPI_DPDK_PLUGIN_SYMBOL));
  if (table == nullptr || table->abi_version != DPI_DPDK_ABI_VERSION) {
    return fail(Errc::usage, "DPDK: " + path.string() +
                                 " is not the plugin of this release; install both from one build");
  }
  return table;
}

Result<std::vector<std::string>> start(const dpi_dpdk_plugin_table& plugin,
                                       const DpdkOptions& options) {
  std::vector<const char*> arguments;
  for (const std::string& argument : options.eal_arguments) arguments.push_back(argument.c_str());
  const std::size_t buffers = dpdk_pool_buffers(options);
  // Without huge pages a buffer costs about two and a half times its size, in the pool of each
  // device.
  const auto devices =
      std::count_if(options.eal_arguments.begin(), options.eal_arguments.end(),
                    [](const std::string& argument) { return argument.starts_with("--vdev"); });
  const std::size_t pools = std::max<std::size_t>(1, static_cast<std::size_t>(devices));
  const std::size_t memory_mib =
      ((buffers * (options.buffer_bytes + 512) * pools * 5 / 2) >> 20U) + 32;
  const dpi_dpdk_options request{
      .eal_arguments = arguments.data(),
      .eal_argument_count = static_cast<std::uint32_t>(arguments.size()),
      .queues = static_cast<std::uint32_t>(options.queues),
      .descriptors = static_cast<std::uint32_t>(options.descriptors),
      .buffers = static_cast<std::uint32_t>(buffers),
      .buffer_bytes = static_cast<std::uint32_t>(options.buffer_bytes),
      .mtu_bytes = static_cast<std::uint32_t>(options.mtu_bytes),
      .memory_mib = static_cast<std::uint32_t>(memory_mib),
      .huge_pages = static_cast<std::uint8_t>(options.huge_pages ? 1 : 0),
      .promiscuous = static_cast<std::uint8_t>(options.promiscuous ? 1 : 0)};
  constexpr std::size_t text_bytes = 4096;
  std::array<char, text_bytes> notes{};
  std::array<char, text_bytes> error{};
  if (plugin.start(&request, notes.data(), error.data(), text_bytes) != 0)
    return fail(Errc::input, std::string{error.data()});
  std::vector<std::string> lines;
  std::istringstream in{notes.data()};
  for (std::string line; std::getline(in, line);) lines.push_back(std::move(line));
  return lines;
}

}  // namespace

std::filesystem::path find_dpdk_plugin() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return {};
  for (const char* folder : {".", "../lib/ransomeye"}) {
    const auto path = (program.parent_path() / folder / "libransomeye_dpdk.so").lexically_normal();
    if (std::filesystem::exists(path, error)) return path;
  }
  return {};
}

std::size_t dpdk_pool_buffers(const DpdkOptions& options) noexcept {
  return std::bit_ceil(2 * options.queues * (options.descriptors + options.held_packets)) - 1;
}

Result<std::vector<std::unique_ptr<PacketSource>>> open_dpdk(const DpdkOptions& options) {
  if (auto valid = check_options(options); !valid) return tl::unexpected(valid.error());
  const auto plugin = load(options);
  if (!plugin) return tl::unexpected(plugin.error());
  const auto notes = start(**plugin, options);
  if (!notes) return tl::unexpected(notes.error());
  const auto session = std::make_shared<const Session>(**plugin);
  std::vector<std::unique_ptr<PacketSource>> sources;
  for (std::uint32_t port = 0; port < (*plugin)->port_count(); ++port) {
    for (std::uint32_t queue = 0; queue < options.queues; ++queue) {
      const bool first = sources.empty();
      sources.push_back(std::make_unique<DpdkSource>(
          session, port, queue, first ? std::span{*notes} : std::span<const std::string>{}));
    }
  }
  return sources;
}

}  // namespace dpi
