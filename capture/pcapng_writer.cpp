#include "capture/pcapng_writer.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace dpi {
namespace {

constexpr std::uint32_t section_header = 0x0A0D0D0A, interface_description = 1, enhanced_packet = 6;
constexpr std::uint16_t opt_comment = 1, if_name = 2, if_description = 3, if_tsresol = 9;

template <class Number>
void put(std::string& out, Number number) {
  for (std::size_t i = 0; i < sizeof number; ++i)
    out += static_cast<char>(static_cast<std::uint64_t>(number) >> (8 * i) & 0xffU);
}

void pad(std::string& out) {
  out.append((4 - out.size() % 4) % 4, '\0');
}

void option(std::string& out, std::uint16_t code, std::string_view value) {
  value = value.substr(0, 0xffff);
  put(out, code);
  put(out, static_cast<std::uint16_t>(value.size()));
  out += value;
  pad(out);
}

void end_of_options(std::string& out) {
  put(out, std::uint32_t{0});
}

tl::unexpected<Error> cannot_write(const std::string& path) {
  return fail(Errc::sink,
              path + ": cannot be written (" + std::strerror(errno) + "); choose another folder");
}

}  // namespace

Result<PcapngWriter> PcapngWriter::open(const std::string& path, const std::string& comment) {
  std::ofstream out{path, std::ios::binary | std::ios::trunc};
  if (!out) return cannot_write(path);
  PcapngWriter writer{path, std::move(out)};
  std::string body;
  put(body, std::uint32_t{0x1A2B3C4D});
  put(body, std::uint16_t{1});  // version 1.0
  put(body, std::uint16_t{0});
  put(body, ~std::uint64_t{0});  // the section's length is not told
  option(body, opt_comment, comment);
  end_of_options(body);
  writer.block(section_header, body);
  return writer;
}

void PcapngWriter::source(std::string name, std::string description) {
  name_ = std::move(name);
  description_ = std::move(description);
  interfaces_.clear();
}

// Type, length, body, length: the body is a multiple of four bytes.
void PcapngWriter::block(std::uint32_t type, const std::string& body) {
  const auto length = static_cast<std::uint32_t>(body.size() + 12);
  std::string head, tail;
  put(head, type);
  put(head, length);
  put(tail, length);
  out_ << head << body << tail;
}

std::uint32_t PcapngWriter::interface_of(LinkType link) {
  const auto known = interfaces_.find(link);
  if (known != interfaces_.end()) return known->second;
  std::string body;
  put(body, static_cast<std::uint16_t>(link));
  put(body, std::uint16_t{0});
  put(body, std::uint32_t{0});  // no limit to what was captured
  option(body, if_name, name_);
  option(body, if_description, description_);
  option(body, if_tsresol, "\x09");
  end_of_options(body);
  block(interface_description, body);
  interfaces_.emplace(link, interface_count_);
  return interface_count_++;
}

void PcapngWriter::add(const RawPacket& packet) {
  const std::uint32_t interface = interface_of(packet.link);
  const auto time = static_cast<std::uint64_t>(std::max<std::int64_t>(nanoseconds(packet.time), 0));
  std::string body;
  put(body, interface);
  put(body, static_cast<std::uint32_t>(time >> 32U));
  put(body, static_cast<std::uint32_t>(time));
  put(body, static_cast<std::uint32_t>(packet.data.size()));
  put(body, packet.wire_bytes);
  body += as_text(packet.data);
  pad(body);
  block(enhanced_packet, body);
  ++packets_;
}

Result<void> PcapngWriter::finish() {
  out_.close();
  if (!out_) return cannot_write(path_);
  return {};
}

}  // namespace dpi
