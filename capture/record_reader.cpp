#include "capture/record_reader.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "capture/pcap_reader.h"
#include "capture/pcapng_reader.h"
#include "capture/snoop_reader.h"
#include "probe/base/byte_cursor.h"
#include "probe/base/hex.h"

namespace dpi {
namespace {

struct ForeignFormat {
  std::string_view magic;
  std::string_view advice;
};

constexpr std::array<ForeignFormat, 2> foreign_formats{{
    {"PK\x03\x04", "it is a zip archive: unpack it first"},
    {"\x1f\x9d", "it is compress(1) output: pipe it through `gzip -dc`"},
}};

std::string advice_for(Bytes beginning) {
  const std::string_view text = as_text(beginning);
  for (const ForeignFormat& format : foreign_formats) {
    if (text.starts_with(format.magic)) return std::string{format.advice};
  }
  return "check that it is a capture; tshark's `editcap` converts other formats to pcapng";
}

}  // namespace

std::uint32_t captured_bytes_max(std::uint32_t snap_bytes) noexcept {
  return std::clamp<std::uint32_t>(snap_bytes, 256U << 10U, 16U << 20U);
}

LinkType link_type(std::uint16_t recorded) noexcept {
  // tcpdump.org/linktypes.html, LINKTYPE_RAW: DLT_RAW is 12, on OpenBSD 14, and some writers stored
  // it.
  constexpr std::uint16_t raw_ip = 101;
  return LinkType{recorded == 12 || recorded == 14 ? raw_ip : recorded};
}

Result<std::unique_ptr<RecordReader>> make_record_reader(Bytes beginning, RecordBuffer& buffer) {
  if (auto reader = PcapReader::make(beginning, buffer)) return reader;
  if (auto reader = PcapngReader::make(beginning, buffer)) return reader;
  if (auto reader = SnoopReader::make(beginning, buffer)) return reader;
  return fail(Errc::input,
              "expected a pcap, pcapng or snoop capture (plain, gzip, zstd, xz, bzip2 or lz4), "
              "found bytes " +
                  hex(beginning.first(std::min<std::size_t>(beginning.size(), 8))) + "; " +
                  advice_for(beginning));
}

}  // namespace dpi
