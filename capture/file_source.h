// Packets from a capture file, FIFO or standard input: pcap, pcapng and snoop, plain or
// compressed (gzip, zstd, xz, bzip2, lz4), recognised by content. Opening looks at nothing but the
// file; wrong content is an error of the first poll.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "capture/packet_source.h"
#include "probe/base/result.h"

namespace dpi {

// "-" is standard input. Errc::input with a remedy when it cannot be opened or is a directory.
[[nodiscard]] Result<std::unique_ptr<PacketSource>> open_file_source(
    const std::filesystem::path& path);

// Takes the descriptor over and closes it; display_name stands for it in errors and warnings. Of a
// file that still grows only the first file_bytes are read.
[[nodiscard]] Result<std::unique_ptr<PacketSource>> open_file_source(
    int fd, std::string display_name, std::uint64_t file_bytes = UINT64_MAX);

}  // namespace dpi
