#include "dissectors/dns/content.h"

#include <algorithm>

#include "dissectors/dns/message.h"
#include "probe/base/byte_cursor.h"

namespace dpi {
namespace {

constexpr std::size_t header_bytes = 12;
constexpr std::size_t record_bytes_min = 11;  // root, type, class, TTL, length

// RFC 1035 §4.1.1: what a header cannot be. `bytes`: of the whole message.
bool is_header(Bytes header, std::size_t bytes) {
  ByteCursor in{header};
  in.skip(2);
  const std::uint16_t flags = in.be16();
  const std::uint16_t questions = in.be16();
  const std::size_t answers = in.be16();
  const std::size_t authority = in.be16();
  const std::size_t additional = in.be16();
  if (!in.ok()) return false;
  constexpr std::uint16_t response = 0x8000, reserved = 0x0040, not_in_queries = 0x0680;
  constexpr std::uint8_t query = 0, notify = 4, update = 5;
  const std::uint8_t opcode = flags >> 11U & 15U;
  const std::uint8_t rcode = flags & 15U;
  if ((flags & reserved) != 0 || questions > 1) return false;
  if (opcode != query && opcode != notify && opcode != update) return false;
  if ((answers + authority + additional) * record_bytes_min > bytes - header_bytes) return false;
  if ((flags & response) != 0) return rcode <= 10 && (questions == 1 || answers > 0);
  if (rcode != 0 || questions != 1 || (flags & not_in_queries) != 0)
    return rcode == 0 && questions == 1 && opcode == notify;  // RFC 1996 §4.5: with AA
  return opcode == update || (answers <= 1 && authority <= 1 && additional <= 2);
}

// RFC 1035 §3.2.4, RFC 2136 §2.4; a name may be of any bytes (RFC 2181 §11).
bool is_question(const DnsQuestion& question) {
  const std::uint16_t klass = question.klass;
  return klass == 1 || klass == 3 || klass == 4 || klass == 254 || klass == 255;
}

}  // namespace

bool is_dns_content(Bytes bytes) {
  if (bytes.size() < header_bytes || !is_header(bytes.first(header_bytes), bytes.size()))
    return false;
  const DnsMessage message = parse_dns(bytes);
  return !message.malformed && !message.ends_early && message.anomalies.none() &&
         std::all_of(message.questions.begin(), message.questions.end(), is_question);
}

DnsContent dns_content_over_tcp(Bytes bytes) {
  ByteCursor in{bytes};
  const std::size_t length = in.be16();
  if (!in.ok()) return DnsContent::incomplete;
  if (length < header_bytes) return DnsContent::other;
  const Bytes rest = in.rest();
  if (rest.size() >= header_bytes && !is_header(rest.first(header_bytes), length))
    return DnsContent::other;
  if (rest.size() < length) return DnsContent::incomplete;
  return is_dns_content(rest.first(length)) ? DnsContent::message : DnsContent::other;
}

}  // namespace dpi
