#include "dissectors/dns/message.h"

#include <algorithm>

#include "dissectors/dns/name.h"
#include "dissectors/dns/nbns.h"
#include "dissectors/dns/rdata.h"
#include "probe/base/byte_cursor.h"

namespace dpi {
namespace {

constexpr std::uint16_t type_opt = 41;
constexpr std::uint8_t opcode_dso = 6;
// What a row writes of a record besides its name and data, at least.
constexpr std::size_t record_bytes_min = 72;
constexpr std::size_t option_bytes = 24;  // and of an EDNS option besides its data
constexpr std::uint16_t top_bit = 0x8000;

// An already encoded pct-text, cut at a whole %HH.
void cut_pct(std::string& text, std::size_t limit) {
  std::size_t end = limit;
  for (std::size_t back = 1; back <= 2; ++back) {
    if (text[limit - back] == '%') end = limit - back;
  }
  text.resize(end);
  text.shrink_to_fit();
}

class Reader {
 public:
  Reader(Bytes bytes, DnsDialect dialect, bool cut, DnsMessage& message)
      : bytes_(bytes), dialect_(dialect), cut_(cut), message_(message) {}

  void read() {
    ByteCursor in{bytes_};
    message_.id = in.be16();
    message_.flags = in.be16();
    const std::uint16_t questions = in.be16();
    const std::uint16_t answers = in.be16();
    const std::uint16_t authority = in.be16();
    const std::uint16_t additional = in.be16();
    if (!in.ok()) {
      refuse(Anomaly::dns_header_cut, bytes_.size(), bytes_.size() >= 4);
      return;
    }
    at_ = in.position();
    message_.questions.reserve(std::min<std::size_t>(questions, dns_questions_max));
    if (message_.is_response()) {
      constexpr std::size_t usual = 16, wire_bytes_min = 11;  // of a record
      message_.records.reserve(std::min(
          {std::size_t{answers} + authority + additional, usual, in.left() / wire_bytes_min}));
    }
    message_.question_known = questions == 0;
    for (std::uint32_t i = 0; i < questions && !stopped(); ++i) question();
    records(DnsSection::answer, answers);
    records(DnsSection::authority, authority);
    records(DnsSection::additional, additional);
    // RFC 8490 §5.4: the counts of a stateful operation are zero, its TLVs follow.
    if (message_.opcode() == opcode_dso && in.position() == at_) stateful_operation();
    if (!stopped() && at_ < bytes_.size()) add(message_.anomalies, Anomaly::dns_trailing_bytes);
  }

 private:
  [[nodiscard]] bool stopped() const { return message_.malformed || message_.ends_early; }

  // `ran_out`: because there is no more of the message.
  void refuse(Anomaly why, std::size_t at, bool ran_out) {
    const bool cut_by_sender = message_.is_response() && message_.flag(dns_flag::tc);
    if (ran_out && (cut_ || (cut_by_sender && why != Anomaly::dns_header_cut))) {
      message_.ends_early = true;
      return;
    }
    message_.malformed = true;
    message_.malformed_at = static_cast<std::uint32_t>(at);
    message_.malformed_reason = why;
    add(message_.anomalies, why);
  }

  bool name(std::string& out) {
    const DnsNameResult result = append_dns_name(out, bytes_, at_, bytes_.size());
    if (result.refused) {
      refuse(*result.refused, result.refused_at, result.ran_out);
      return false;
    }
    at_ = result.next;
    if (dialect_ == DnsDialect::netbios) out = nbns_name(out);
    return true;
  }

  void question() {
    DnsQuestion q;
    const std::size_t start = at_;
    if (!name(q.name)) return;
    ByteCursor in{bytes_.subspan(at_)};
    q.type = in.be16();
    q.klass = class_of(in.be16());
    if (!in.ok()) {
      refuse(Anomaly::dns_record_cut, start, true);
      return;
    }
    at_ += in.position();
    message_.question_known = true;
    if (message_.questions.size() < dns_questions_max) {
      message_.questions.push_back(std::move(q));
    } else {
      add(message_.anomalies, Anomaly::dns_records_omitted);
    }
  }

  [[nodiscard]] std::uint16_t class_of(std::uint16_t wire) const {
    return dialect_ == DnsDialect::multicast ? static_cast<std::uint16_t>(wire & ~top_bit) : wire;
  }

  void records(DnsSection section, std::uint16_t count) {
    for (std::uint32_t i = 0; i < count && !stopped(); ++i) record(section);
  }

  void record(DnsSection section) {
    DnsRecord r;
    r.section = section;
    const std::size_t start = at_;
    if (!name(r.name)) return;
    ByteCursor in{bytes_.subspan(at_)};
    r.type = in.be16();
    r.klass = in.be16();
    r.ttl = in.be32();
    const std::uint16_t length = in.be16();
    if (!in.ok() || length > in.left()) {
      refuse(Anomaly::dns_record_cut, start, true);
      return;
    }
    const std::size_t data = at_ + in.position();
    at_ = data + length;
    if (r.type == type_opt && section == DnsSection::additional && !message_.edns.present) {
      edns(r, bytes_.subspan(data, length));
      return;
    }
    r.klass = class_of(r.klass);
    const bool told = dialect_ == DnsDialect::netbios &&
                      append_nbns_rdata(r.data, bytes_.subspan(data, length), r.type);
    if (!told && !append_rdata(r.data, bytes_, data, length, r.type))
      add(message_.anomalies, Anomaly::dns_rdata_invalid);
    keep(std::move(r));
  }

  void keep(DnsRecord r) {
    if (!message_.is_response()) return;
    if (r.data.size() > dns_data_bytes_max) {
      cut_pct(r.data, dns_data_bytes_max);
      r.data_truncated = true;
    }
    records_bytes_ += r.name.size() + r.data.size() + record_bytes_min;
    if (message_.records_omitted > 0 || records_bytes_ > dns_records_bytes_max) {
      ++message_.records_omitted;
      return;
    }
    message_.records.push_back(std::move(r));
  }

  void stateful_operation() {
    ByteCursor in{bytes_.subspan(at_)};
    while (in.ok() && in.left() > 0) {
      in.skip(2);
      in.skip(in.be16());
    }
    if (in.ok()) {
      at_ = bytes_.size();
    } else {
      refuse(Anomaly::dns_record_cut, at_, true);
    }
  }

  // RFC 6891 §6.1.2: CLASS is the UDP size, TTL holds the extended rcode, the version and the
  // flags.
  void edns(const DnsRecord& r, Bytes data) {
    DnsEdns& e = message_.edns;
    e.present = true;
    e.udp_size = r.klass;
    e.rcode_high = static_cast<std::uint8_t>(r.ttl >> 24U);
    e.version = static_cast<std::uint8_t>(r.ttl >> 16U & 0xffU);
    e.dnssec_ok = (r.ttl & 0x8000U) != 0;
    ByteCursor in{data};
    std::size_t options_bytes = 0;
    bool options_full = false;
    while (in.left() > 0) {
      DnsEdnsOption option;
      option.code = in.be16();
      const Bytes value = in.take(in.be16());
      if (!in.ok()) {
        add(message_.anomalies, Anomaly::dns_rdata_invalid);
        return;
      }
      if (options_full) continue;
      options_bytes += 2 * value.size() + option_bytes;
      options_full = options_bytes > dns_options_bytes_max;
      if (options_full) continue;
      option.data.assign(value.begin(), value.end());
      e.options.push_back(std::move(option));
    }
  }

  Bytes bytes_;
  DnsDialect dialect_;
  bool cut_;
  DnsMessage& message_;
  std::size_t at_ = 0;
  std::size_t records_bytes_ = 0;
};

}  // namespace

DnsMessage parse_dns(Bytes bytes, DnsDialect dialect, std::size_t wire_bytes) {
  DnsMessage message;
  message.bytes = static_cast<std::uint32_t>(std::max(wire_bytes, bytes.size()));
  Reader{bytes, dialect, wire_bytes > bytes.size(), message}.read();
  return message;
}

std::size_t DnsMessage::memory_bytes() const noexcept {
  std::size_t sum = questions.capacity() * sizeof(DnsQuestion) +
                    records.capacity() * sizeof(DnsRecord) +
                    edns.options.capacity() * sizeof(DnsEdnsOption);
  for (const DnsQuestion& q : questions) sum += q.name.capacity();
  for (const DnsRecord& r : records) sum += r.name.capacity() + r.data.capacity();
  for (const DnsEdnsOption& o : edns.options) sum += o.data.capacity();
  return sum;
}

}  // namespace dpi
