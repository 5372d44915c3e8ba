#include "probe/spec/capture_writer.h"

#include <algorithm>

#include "probe/base/hex.h"
#include "probe/spec/compress.h"
#include "probe/spec/packet_builder.h"

namespace dpi::spec {
namespace {

// Integers in the byte order of the machine that is said to have written the file.
class FileBytes {
 public:
  void big_endian(bool big) noexcept { big_ = big; }
  FileBytes& number(std::uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i)
      out_.push_back(static_cast<std::uint8_t>(value >> 8U * (big_ ? bytes - 1 - i : i)));
    return *this;
  }
  FileBytes& u16(std::uint64_t value) { return number(value, 2); }
  FileBytes& u32(std::uint64_t value) { return number(value, 4); }
  FileBytes& u64(std::uint64_t value) { return number(value, 8); }
  FileBytes& raw(Bytes bytes) {
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  FileBytes& pad4() {
    while (out_.size() % 4 != 0) out_.push_back(0);
    return *this;
  }
  [[nodiscard]] bool is_big() const noexcept { return big_; }
  [[nodiscard]] const ByteBuffer& bytes() const noexcept { return out_; }
  [[nodiscard]] ByteBuffer take() noexcept { return std::move(out_); }

 private:
  ByteBuffer out_;
  bool big_ = false;
};

// One packet as it goes into the file.
struct Frame {
  std::int64_t time_ns = 0;
  ByteBuffer bytes;  // captured
  std::uint64_t captured = 0;
  std::uint64_t wire = 0;
  std::uint64_t interface = 0;
  std::string block;  // pcapng: enhanced, simple, obsolete
  std::uint32_t link = 0;
};

class CaptureWriter {
 public:
  explicit CaptureWriter(const Recipe& recipe) : recipe_(recipe), file_(recipe.capture) {
    out_.big_endian(file_.big_endian && file_.format != "snoop");
    if (file_.format == "snoop") out_.big_endian(true);
  }

  Result<ByteBuffer> write() {
    for (const PacketText& packet : recipe_.packets) {
      const auto done = packet.directive ? directive(packet) : frame(packet);
      if (!done) return tl::unexpected(done.error());
    }
    if (!begun_) begin(file_.link.value_or(1));
    ByteBuffer bytes = out_.take();
    if (file_.compress == "gzip") bytes = gzip_stored(bytes);
    if (file_.compress == "zstd") bytes = zstd_stored(bytes);
    return damage(std::move(bytes));
  }

 private:
  Result<ByteBuffer> damage(ByteBuffer bytes) const {
    for (const auto& [offset, put] : file_.patches) {
      if (offset > bytes.size() || put.size() > bytes.size() - offset) {
        return wrong({recipe_.file, 1, 1}, "patch at " + std::to_string(offset) +
                                               " lies outside the file's " +
                                               std::to_string(bytes.size()) + " bytes");
      }
      std::copy(put.begin(), put.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
    }
    if (file_.keep) {
      const auto size = static_cast<std::int64_t>(bytes.size());
      const std::int64_t kept = *file_.keep < 0 ? size + *file_.keep : *file_.keep;
      bytes.resize(static_cast<std::size_t>(std::clamp<std::int64_t>(kept, 0, size)));
    }
    bytes.insert(bytes.end(), file_.append.begin(), file_.append.end());
    return bytes;
  }

  Result<void> option(const LayerText& options, std::string_view key, std::uint64_t& out) const {
    const Argument* const given = options.find(key);
    if (given == nullptr) return {};
    const auto number = parse_number(given->value);
    if (!number || *number > 0xffffffffU)
      return wrong(given->place, std::string{key} + " needs a number of at most 32 bits");
    out = *number;
    return {};
  }
  Result<void> check_options(const LayerText& options) const {
    constexpr std::string_view known = " snap wire captured interface block repeat every ";
    for (const Argument& a : options.arguments) {
      if (a.key.empty() || known.find(" " + a.key + " ") == std::string_view::npos)
        return wrong(a.place,
                     "unknown option " + a.key + "; known behind | are" + std::string{known});
    }
    return {};
  }

  Result<void> frame(const PacketText& packet) {
    if (auto known = check_options(packet.options); !known) return known;
    auto bytes = build_packet(packet.layers, sequence_);
    if (!bytes) return tl::unexpected(bytes.error());
    const auto link = file_.link ? file_.link : link_type_of(packet.layers[0]);
    if (!link) {
      return wrong(packet.layers[0].place,
                   "which link type begins with " + packet.layers[0].name + "? set link in [file]");
    }
    Frame f{.time_ns = recipe_.start_ns + packet.at_ns,
            .bytes = std::move(*bytes),
            .block = "enhanced",
            .link = *link};
    f.wire = f.bytes.size();
    std::uint64_t snap = file_.snap;
    if (auto read = option(packet.options, "snap", snap); !read) return read;
    f.bytes.resize(std::min<std::size_t>(f.bytes.size(), snap));
    f.captured = f.bytes.size();
    for (const auto& [key, member] :
         {std::pair{"wire", &f.wire}, {"captured", &f.captured}, {"interface", &f.interface}}) {
      if (auto read = option(packet.options, key, *member); !read) return read;
    }
    if (const Argument* const block = packet.options.find("block")) f.block = block->value;
    if (!begun_) begin(f.link);
    if (file_.format == "pcapng") return put_block(packet, f);
    if (f.link != link_) {
      return wrong(packet.place, "this packet has link type " + std::to_string(f.link) +
                                     ", the file " + std::to_string(link_) +
                                     "; only pcapng mixes them");
    }
    if (file_.format == "snoop") {
      put_snoop(f);
    } else {
      put_record(f);
    }
    return {};
  }

  // The file's own header, when no directive has begun it.
  void begin(std::uint32_t link) {
    begun_ = true;
    link_ = link;
    if (file_.format == "pcapng") {
      section();
      interface(link, file_.snap, {});
    } else if (file_.format == "snoop") {
      out_.raw(as_bytes("snoop")).number(0, 3).u32(2).u32(link == 6 ? 2 : link == 10 ? 8 : 4);
    } else {
      const std::uint32_t magic = file_.format == "pcap-ns"         ? 0xa1b23c4d
                                  : file_.format == "pcap-modified" ? 0xa1b2cd34
                                  : file_.format == "pcap-lcap"     ? 0x1c0001ac
                                                                    : 0xa1b2c3d4;
      out_.u32(magic).u16(file_.major).u16(file_.minor).u64(0).u32(file_.snap).u32(link);
      if (file_.format == "pcap-lcap") out_.u32(0);
    }
  }
  void put_record(const Frame& f) {
    const std::int64_t tick = file_.format == "pcap-ns" || file_.format == "pcap-lcap" ? 1 : 1000;
    put_time(f.time_ns, file_.format == "pcap-lcap" ? 1000 : tick);
    // Before version 2.3 the two lengths stood the other way round.
    const bool swapped = file_.major == 2 && file_.minor < 3;
    out_.u32(swapped ? f.wire : f.captured).u32(swapped ? f.captured : f.wire);
    if (file_.format == "pcap-modified") out_.u32(3).u16(0x0800).number(0, 2);
    out_.raw(f.bytes);
  }
  void put_snoop(const Frame& f) {
    const std::size_t padded = (f.bytes.size() + 3) / 4 * 4;
    out_.u32(f.wire).u32(f.captured).u32(24 + padded).u32(0);
    put_time(f.time_ns, 1000);
    out_.raw(f.bytes).pad4();
  }
  void put_time(std::int64_t time_ns, std::int64_t tick_ns) {
    constexpr std::int64_t second = 1'000'000'000;
    out_.u32(static_cast<std::uint64_t>(time_ns / second));
    out_.u32(static_cast<std::uint64_t>(time_ns % second / tick_ns));
  }

  // pcapng
  void block(std::uint32_t type, const ByteBuffer& body) {
    const std::size_t padded = (body.size() + 3) / 4 * 4;
    out_.u32(type).u32(padded + 12).raw(body);
    for (std::size_t i = body.size(); i < padded; ++i) out_.number(0, 1);
    out_.u32(padded + 12);
  }
  [[nodiscard]] FileBytes body() const {
    FileBytes out;
    out.big_endian(out_.is_big());
    return out;
  }
  void section() {
    tick_of_.clear();
    link_of_.clear();
    block(0x0a0d0d0a, body().u32(0x1a2b3c4d).u16(1).u16(0).u64(~std::uint64_t{0}).take());
  }
  // `options` as bytes, with their end.
  void interface(std::uint32_t link, std::uint64_t snap, const ByteBuffer& options) {
    link_of_.push_back(link);
    if (tick_of_.size() < link_of_.size()) tick_of_.push_back({6, 0});
    block(1, body().u16(link).u16(0).u32(snap).raw(options).take());
  }
  Result<void> put_block(const PacketText& packet, const Frame& f) {
    if (f.interface < link_of_.size() && f.link != link_of_[f.interface]) {
      return wrong(packet.place, "this packet has link type " + std::to_string(f.link) +
                                     ", its interface " + std::to_string(link_of_[f.interface]));
    }
    const std::uint64_t ticks = ticks_of(f);
    FileBytes out = body();
    if (f.block == "simple") {
      block(3, out.u32(f.wire).raw(f.bytes).take());
    } else if (f.block == "obsolete") {
      out.u16(f.interface).u16(0xffff).u32(ticks >> 32U).u32(ticks & 0xffffffffU);
      block(2, out.u32(f.captured).u32(f.wire).raw(f.bytes).take());
    } else if (f.block == "enhanced") {
      out.u32(f.interface).u32(ticks >> 32U).u32(ticks & 0xffffffffU);
      block(6, out.u32(f.captured).u32(f.wire).raw(f.bytes).take());
    } else {
      return wrong(packet.options.find("block")->place,
                   "block must be enhanced, simple or obsolete");
    }
    return {};
  }
  [[nodiscard]] std::uint64_t ticks_of(const Frame& f) const {
    const Clock clock = f.interface < tick_of_.size() ? tick_of_[f.interface] : Clock {};
    __extension__ using Wide = unsigned __int128;
    const Wide since = static_cast<std::uint64_t>(f.time_ns - clock.offset_seconds * 1'000'000'000);
    constexpr Wide billion = 1'000'000'000;
    if ((clock.resolution & 0x80U) != 0)
      return static_cast<std::uint64_t>((since << (clock.resolution & 0x7fU)) / billion);
    Wide per_second = 1;
    for (std::uint64_t i = 0; i < clock.resolution; ++i) per_second *= 10;
    return static_cast<std::uint64_t>(since * per_second / billion);
  }

  // `file …` lines.
  Result<void> directive(const PacketText& packet) {
    const LayerText& what = packet.layers[0];
    if (what.name == "bytes") {
      if (!begun_) begin(file_.link.value_or(1));
      for (const Argument& a : what.arguments) {
        const auto bytes = parse_hex(a.bare ? a.key : a.value);
        if (!bytes) return wrong(a.place, "bytes takes pairs of lower-case hexadecimal digits");
        out_.raw(*bytes);
      }
      return {};
    }
    if (file_.format != "pcapng")
      return wrong(what.place, "`file " + what.name + "` needs format = \"pcapng\"");
    if (what.name == "section") {
      begun_ = true;
      const Argument* const order = what.find("order");
      out_.big_endian(order != nullptr ? order->value == "big" : file_.big_endian);
      section();
      return {};
    }
    if (what.name == "interface") return add_interface(what);
    if (what.name == "statistics") return add_statistics(what);
    if (what.name == "block") return add_block(what);
    return wrong(what.place, "unknown directive " + what.name +
                                 "; known are bytes section interface statistics block");
  }
  void file_option(FileBytes& out, std::uint16_t code, std::uint64_t value, unsigned bytes) const {
    out.u16(code).u16(bytes).number(value, bytes).pad4();
  }
  Result<void> add_interface(const LayerText& what) {
    std::uint64_t link = 1, snap = 0, resolution = 6, offset = 0;
    for (const auto& [key, member] : {std::pair{"link", &link},
                                      {"snap", &snap},
                                      {"tsresol", &resolution},
                                      {"tsoffset", &offset}}) {
      if (auto read = option(what, key, *member); !read) return read;
    }
    if (resolution > 0xbf || (resolution < 0x80 && resolution > 18))
      return wrong(what.place, "tsresol must be 0 to 18, or 0x80 to 0xbf");
    begun_ = true;
    FileBytes options = body();
    if (what.find("tsresol") != nullptr) file_option(options, 9, resolution, 1);
    if (what.find("tsoffset") != nullptr) file_option(options, 14, offset, 8);
    if (!options.bytes().empty()) options.u32(0);
    tick_of_.push_back({resolution, static_cast<std::int64_t>(offset)});
    interface(static_cast<std::uint32_t>(link), snap, options.bytes());
    return {};
  }
  Result<void> add_statistics(const LayerText& what) {
    std::uint64_t id = 0, ifdrop = 0, osdrop = 0;
    for (const auto& [key, member] :
         {std::pair{"interface", &id}, {"ifdrop", &ifdrop}, {"osdrop", &osdrop}}) {
      if (auto read = option(what, key, *member); !read) return read;
    }
    FileBytes out = body();
    out.u32(id).u64(0);
    file_option(out, 5, ifdrop, 8);
    file_option(out, 7, osdrop, 8);
    block(5, out.u32(0).take());
    return {};
  }
  Result<void> add_block(const LayerText& what) {
    std::uint64_t type = 0;
    if (auto read = option(what, "type", type); !read) return read;
    const Argument* const hex = what.find("hex");
    const auto bytes = parse_hex(hex != nullptr ? std::string_view{hex->value} : "");
    if (!bytes) return wrong(what.place, "hex= takes pairs of lower-case hexadecimal digits");
    if (!begun_) begin(file_.link.value_or(1));
    block(static_cast<std::uint32_t>(type), *bytes);
    return {};
  }

  struct Clock {
    std::uint64_t resolution = 6;  // if_tsresol
    std::int64_t offset_seconds = 0;
  };

  const Recipe& recipe_;
  const FileText& file_;
  FileBytes out_;
  SequenceNumbers sequence_;
  bool begun_ = false;
  std::uint32_t link_ = 0;
  std::vector<std::uint32_t> link_of_;  // of the section's interfaces
  std::vector<Clock> tick_of_;
};

}  // namespace

Result<ByteBuffer> build_capture(const Recipe& recipe) {
  return CaptureWriter{recipe}.write();
}

std::string capture_name(const Recipe& recipe) {
  const std::size_t slash = recipe.file.rfind('/');
  std::string name = slash == std::string::npos ? recipe.file : recipe.file.substr(slash + 1);
  if (name.ends_with(".toml")) name.resize(name.size() - 5);
  const std::string& format = recipe.capture.format;
  name += format == "pcapng" ? ".pcapng" : format == "snoop" ? ".snoop" : ".pcap";
  if (recipe.capture.compress == "gzip") name += ".gz";
  if (recipe.capture.compress == "zstd") name += ".zst";
  return name;
}

}  // namespace dpi::spec
