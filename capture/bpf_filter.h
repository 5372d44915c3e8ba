// A capture filter in libpcap's language (`-f`). Compiled once per link type that occurs, because
// the code depends on it. For one thread; the only file that uses libpcap is this one's .cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "capture/bpf_instruction.h"
#include "probe/base/packet.h"
#include "probe/base/result.h"

namespace dpi {

// Of the libpcap that runs, "1.10.3".
[[nodiscard]] std::string pcap_library_version();

class BpfFilter {
 public:
  // Errc::usage with libpcap's reason when no link type understands the expression. The empty
  // expression matches everything.
  [[nodiscard]] static Result<BpfFilter> compile(const std::string& expression);

  // The code for one link type, for the kernel (SO_ATTACH_FILTER): it returns 0 for a packet that
  // does not match, else snap_bytes (1–262,144). Errc::usage as compile().
  [[nodiscard]] static Result<BpfProgram> instructions(const std::string& expression, LinkType link,
                                                       std::uint32_t snap_bytes);

  BpfFilter(BpfFilter&&) noexcept;
  BpfFilter& operator=(BpfFilter&&) noexcept;
  ~BpfFilter();

  // False for link types for which libpcap cannot compile the expression; warnings() names them.
  [[nodiscard]] bool matches(const RawPacket& packet);
  [[nodiscard]] std::uint64_t unsupported_packets() const noexcept;
  // One sentence per link type that cannot be filtered; only grows.
  [[nodiscard]] std::span<const std::string> warnings() const noexcept;

 private:
  class Programs;
  explicit BpfFilter(std::unique_ptr<Programs> programs);
  std::unique_ptr<Programs> programs_;
};

// "1.10.3"
[[nodiscard]] std::string libpcap_version();

}  // namespace dpi
