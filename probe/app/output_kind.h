// What `--out` takes: the one list of kinds, and where each of them writes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "probe/base/result.h"
#include "probe/store/receiver.h"

namespace dpi {

enum class OutputKind : std::uint8_t {
  postgres,
  spool,
  jsonl,
  eve,
  ecs,
  csv,
  syslog,
  ipfix,
  kafka
};

struct Output {
  OutputKind kind = OutputKind::jsonl;
  std::string rest;  // behind the colon; a path, folder, connection string or receiver
  std::optional<Receiver> receiver = std::nullopt;  // of an output over the network
};

// A replay names its spool's folder; a live probe has one of its own, below spool.dir.
enum class OutputUse : std::uint8_t { replay, live };

// Errc::usage says what there is.
[[nodiscard]] Result<Output> parse_output(std::string_view text, OutputUse use);
// "postgres[:CONNINFO], jsonl[:PATH], … or spool:DIR"
[[nodiscard]] std::string output_usage(OutputUse use);

// The file or folder that a line format writes; nothing for standard output and all others.
[[nodiscard]] std::optional<std::filesystem::path> written_path(const Output& output);

}  // namespace dpi
