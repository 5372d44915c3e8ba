// A recipe: packets as text, the capture file that carries them, and the rows that must come of it
// (pcaps-spec/README.md is the format's description). Errors are Errc::usage and begin with
// file:line:column.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "probe/base/bytes.h"
#include "probe/base/result.h"
#include "probe/spec/value.h"

namespace dpi::spec {

struct Place {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};
[[nodiscard]] tl::unexpected<Error> wrong(const Place& place, const std::string& what);

// key=value, a bare word (value empty), A>B (two arguments, src and dst), or "text" (key empty).
struct Argument {
  std::string key;
  std::string value;
  bool bare = false;
  Place place;
};

struct LayerText {
  std::string name;
  std::vector<Argument> arguments;
  Place place;

  [[nodiscard]] const Argument* find(std::string_view key) const noexcept;
};

// `TIME LAYER / LAYER … | OPTION …`, or `file DIRECTIVE …` for what is no packet.
struct PacketText {
  std::int64_t at_ns = 0;         // since the recipe's start
  std::vector<LayerText> layers;  // of a directive: one, named as the directive
  LayerText options;              // behind the bar
  bool directive = false;
  Place place;
};

// The file around the packets, and what is wrong with it.
struct FileText {
  std::string format = "pcap";  // pcap, pcap-ns, pcap-modified, pcap-lcap, pcapng, snoop
  bool big_endian = false;
  std::string compress;  // empty, gzip, zstd
  std::optional<std::uint32_t> link;
  std::uint32_t snap = 65'535;
  std::uint32_t major = 2;
  std::uint32_t minor = 4;
  std::vector<std::pair<std::uint64_t, ByteBuffer>> patches;  // offset, bytes to put there
  ByteBuffer append;
  std::optional<std::int64_t> keep;  // bytes kept from the front; negative: all but so many
};

struct Expectation {
  int exit = 0;
  std::vector<Value> says;  // texts that each message on standard error must contain, in order
  Value anomalies;          // name → count, complete
  Value heartbeat;          // members of the last heartbeat
  std::vector<Value> flows;
  std::vector<Value> dns;
  bool events = true;  // false: nothing at all is written
};

struct Recipe {
  std::string file;
  std::string title;
  std::string shows;
  std::string rfc;
  std::vector<Value> covers;
  std::vector<std::string> settings;  // section.key=value
  std::string filter;
  std::int64_t start_ns = 1'700'000'000'000'000'000;  // 2023-11-14T22:13:20Z
  std::vector<PacketText> packets;
  FileText capture;
  Expectation expect;
};

// `file` stands in errors.
[[nodiscard]] Result<Recipe> parse_recipe(std::string_view text, const std::string& file);

// The lines of a `packets` text. `first` is the place of the first line; names are what $name
// stands for.
[[nodiscard]] Result<std::vector<PacketText>> parse_packets(
    std::string_view text, const Place& first,
    const std::vector<std::pair<std::string, std::string>>& names);

// 12, 0x0c; nothing when it is no number.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text) noexcept;
// 0, 15ms, 1.5s, -2us; nothing when it is no time.
[[nodiscard]] std::optional<std::int64_t> parse_duration(std::string_view text) noexcept;

}  // namespace dpi::spec
