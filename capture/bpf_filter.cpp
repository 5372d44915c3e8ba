#include "capture/bpf_filter.h"

#include <pcap/pcap.h>

#include <array>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "probe/base/check.h"

namespace dpi {
namespace {

// DLT_ of a LINKTYPE_: equal but for the values that differ between systems (libpcap,
// pcap-common.c).
int dlt_of(LinkType link) noexcept {
  switch (static_cast<std::uint16_t>(link)) {
    case 100:
      return DLT_ATM_RFC1483;
    case 101:
      return DLT_RAW;
    case 102:
      return DLT_SLIP_BSDOS;
    case 103:
      return DLT_PPP_BSDOS;
    case 106:
      return DLT_ATM_CLIP;
    default:
      return static_cast<int>(link);
  }
}

constexpr int snap_bytes_max = 262'144;

class Program {
 public:
  // libpcap's reason when it cannot.
  static Result<Program> compile(const std::string& expression, int dlt,
                                 int snap_bytes = snap_bytes_max) {
    const std::unique_ptr<pcap_t, decltype(&pcap_close)> handle{pcap_open_dead(dlt, snap_bytes),
                                                                &pcap_close};
    if (handle == nullptr) return fail(Errc::failure, "out of memory");
    Program program;
    constexpr int optimize = 1;
    if (pcap_compile(handle.get(), &program.code_, expression.c_str(), optimize,
                     PCAP_NETMASK_UNKNOWN) != 0) {
      return fail(Errc::usage, pcap_geterr(handle.get()));
    }
    return program;
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  Program(Program&& other) noexcept : code_(std::exchange(other.code_, bpf_program{})) {}
  Program& operator=(Program&& other) noexcept {
    std::swap(code_, other.code_);
    return *this;
  }
  ~Program() { pcap_freecode(&code_); }

  bool matches(const RawPacket& packet) const noexcept {
    return bpf_filter(code_.bf_insns, packet.data.data(), packet.wire_bytes,
                      static_cast<u_int>(packet.data.size())) != 0;
  }

  BpfProgram instructions() const {
    BpfProgram copy;
    for (const bpf_insn& i : std::span{code_.bf_insns, code_.bf_len})
      copy.push_back({.code = i.code, .jump_true = i.jt, .jump_false = i.jf, .k = i.k});
    return copy;
  }

 private:
  Program() = default;
  bpf_program code_{};
};

// Common link types, Ethernet first: its reason is the one to show. An expression may make sense
// only on another (`type mgt` on 802.11).
constexpr std::array<LinkType, 7> probed_links{LinkType{1},   LinkType{101}, LinkType{113},
                                               LinkType{276}, LinkType{127}, LinkType{105},
                                               LinkType{9}};

}  // namespace

std::string pcap_library_version() {
  // "libpcap version 1.10.3 (with TPACKET_V3)"
  const std::string text = pcap_lib_version();
  const std::size_t begin = text.find_first_of("0123456789");
  return begin == std::string::npos ? text : text.substr(begin, text.find(' ', begin) - begin);
}

class BpfFilter::Programs {
 public:
  explicit Programs(std::string expression) : expression_(std::move(expression)) {}

  // The reason of the first link type when none of the common ones takes the expression.
  std::optional<Error> probe() {
    std::optional<Error> first;
    for (const LinkType link : probed_links) {
      const auto program = Program::compile(expression_, dlt_of(link));
      if (program) return std::nullopt;
      if (!first) first = program.error();
    }
    return first;
  }

  bool matches(const RawPacket& packet) {
    const std::optional<Program>& program = program_for(packet.link);
    if (!program) {
      ++unsupported_packets_;
      return false;
    }
    return program->matches(packet);
  }

  std::uint64_t unsupported_packets() const noexcept { return unsupported_packets_; }
  std::span<const std::string> warnings() const noexcept { return warnings_; }

 private:
  const std::optional<Program>& program_for(LinkType link) {
    if (last_ != nullptr && link == last_link_) return *last_;
    auto found = by_link_.find(link);
    if (found == by_link_.end()) found = by_link_.emplace(link, compile_for(link)).first;
    last_link_ = link;
    last_ = &found->second;
    return *last_;
  }

  std::optional<Program> compile_for(LinkType link) {
    auto program = Program::compile(expression_, dlt_of(link));
    if (program) return std::move(*program);
    const char* name = pcap_datalink_val_to_name(dlt_of(link));
    warnings_.push_back("filter '" + expression_ + "' matches no packet of link type " +
                        std::to_string(static_cast<std::uint16_t>(link)) +
                        (name != nullptr ? " (" + std::string{name} + ")" : std::string{}) + ": " +
                        program.error().what);
    return std::nullopt;
  }

  std::string expression_;
  std::unordered_map<LinkType, std::optional<Program>> by_link_;
  LinkType last_link_{};
  const std::optional<Program>* last_ = nullptr;
  std::vector<std::string> warnings_;
  std::uint64_t unsupported_packets_ = 0;
};

BpfFilter::BpfFilter(std::unique_ptr<Programs> programs) : programs_(std::move(programs)) {}
BpfFilter::BpfFilter(BpfFilter&&) noexcept = default;
BpfFilter& BpfFilter::operator=(BpfFilter&&) noexcept = default;
BpfFilter::~BpfFilter() = default;

Result<BpfFilter> BpfFilter::compile(const std::string& expression) {
  auto programs = std::make_unique<Programs>(expression);
  if (const auto error = programs->probe()) {
    return fail(Errc::usage, "filter '" + expression + "': " + error->what +
                                 "; the language is described in pcap-filter(7)");
  }
  return BpfFilter{std::move(programs)};
}

Result<BpfProgram> BpfFilter::instructions(const std::string& expression, LinkType link,
                                           std::uint32_t snap_bytes) {
  DPI_CHECK(snap_bytes > 0 && snap_bytes <= static_cast<std::uint32_t>(snap_bytes_max));
  const auto program = Program::compile(expression, dlt_of(link), static_cast<int>(snap_bytes));
  if (program) return program->instructions();
  return fail(Errc::usage, "filter '" + expression + "': " + program.error().what +
                               "; the language is described in pcap-filter(7)");
}

bool BpfFilter::matches(const RawPacket& packet) {
  return programs_->matches(packet);
}
std::uint64_t BpfFilter::unsupported_packets() const noexcept {
  return programs_->unsupported_packets();
}
std::span<const std::string> BpfFilter::warnings() const noexcept {
  return programs_->warnings();
}

// pcap_lib_version(3pcap) says "libpcap version 1.10.3 (with TPACKET_V3)".
std::string libpcap_version() {
  constexpr std::string_view before = "libpcap version ";
  std::string_view text = ::pcap_lib_version();
  if (text.starts_with(before)) text.remove_prefix(before.size());
  return std::string{text.substr(0, text.find_first_of(" ,"))};
}

}  // namespace dpi
