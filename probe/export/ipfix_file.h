// IPFIX messages in a file (RFC 5655), one behind the other.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "probe/store/file_sink.h"

namespace dpi {

// "-" is standard output. Goes on behind the last whole message of what is there; half a one is of
// use to nobody and is cut off. Errc::sink: what is there is no file of IPFIX.
[[nodiscard]] Result<std::unique_ptr<FileSink>> open_ipfix_sink(const std::string& path,
                                                                std::uint32_t enterprise_number);

}  // namespace dpi
