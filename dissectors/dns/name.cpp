#include "dissectors/dns/name.h"

#include "dissectors/dns/pct.h"

namespace dpi {
namespace {

constexpr std::size_t name_bytes_max = 255;
constexpr int pointers_max = 128;

// pct-text of a label; a dot inside it is %2E.
void append_label(std::string& out, Bytes label) {
  for (const std::uint8_t b : label) {
    if (b == '.') {
      out += "%2E";
    } else {
      append_pct(out, b);
    }
  }
}

}  // namespace

DnsNameResult append_dns_name(std::string& out, Bytes message, std::size_t offset,
                              std::size_t limit) {
  DnsNameResult result;
  const auto refuse = [&](Anomaly why, std::size_t at) {
    result.refused = why;
    result.refused_at = at;
    return result;
  };
  std::size_t at = offset;
  std::size_t end = limit;
  const auto run_out = [&](std::size_t where) {
    result.ran_out = end == message.size();
    return refuse(Anomaly::dns_name_invalid, where);
  };
  std::size_t total = 1;        // the root's zero byte
  std::size_t target = offset;  // pointers must lead before this
  int pointers = 0;
  bool first = true;
  for (;;) {
    if (at >= end) return run_out(at);
    const std::uint8_t length = message[at];
    if ((length & 0xc0U) == 0xc0U) {
      if (at + 1 >= end) return run_out(at);
      const std::size_t pointer = static_cast<std::size_t>(length & 0x3fU) << 8U | message[at + 1];
      if (pointers == 0) result.next = at + 2;
      if (++pointers > pointers_max || pointer >= target)
        return refuse(Anomaly::dns_pointer_invalid, at);
      target = pointer;
      at = pointer;
      end = message.size();
      continue;
    }
    if ((length & 0xc0U) != 0)
      return refuse(Anomaly::dns_name_invalid, at);  // RFC 6891 §5: extended labels are gone
    ++at;
    if (length == 0) break;
    if (at + length > end) return run_out(at);
    total += std::size_t{length} + 1;
    if (total > name_bytes_max) return refuse(Anomaly::dns_name_too_long, at);
    if (!first) out.push_back('.');
    append_label(out, message.subspan(at, length));
    first = false;
    at += length;
  }
  if (first) out.push_back('.');
  if (pointers == 0) result.next = at;
  return result;
}

}  // namespace dpi
