// Captures to be handed on (draft-ietf-opsawg-pcapng): nanoseconds, an interface for each link type
// of each source, little-endian.
#pragma once

#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <utility>

#include "probe/base/packet.h"
#include "probe/base/result.h"

namespace dpi {

class PcapngWriter {
 public:
  // Written anew. Errc::sink names the file. `comment` stands in the section's header.
  [[nodiscard]] static Result<PcapngWriter> open(const std::string& path,
                                                 const std::string& comment);

  // Of packets that follow: what they were read from, as interface name and description.
  void source(std::string name, std::string description);
  // As it was captured. A time before 1970 has no form here: it becomes that year's first.
  void add(const RawPacket& packet);
  [[nodiscard]] std::uint64_t packets() const noexcept { return packets_; }
  // Errc::sink when not all of it could be written.
  [[nodiscard]] Result<void> finish();

 private:
  PcapngWriter(std::string path, std::ofstream out)
      : path_(std::move(path)), out_(std::move(out)) {}
  void block(std::uint32_t type, const std::string& body);
  [[nodiscard]] std::uint32_t interface_of(LinkType link);

  std::string path_;
  std::ofstream out_;
  std::string name_, description_;
  std::map<LinkType, std::uint32_t> interfaces_;  // of this source
  std::uint32_t interface_count_ = 0;
  std::uint64_t packets_ = 0;
};

}  // namespace dpi
