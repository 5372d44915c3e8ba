#include "dissectors/dns/message.h"

#include "dissectors/dns/name.h"
#include "dissectors/dns/nbns.h"
#include "dissectors/dns/rdata.h"
#include "probe/base/byte_cursor.h"

namespace dpi {
namespace {

constexpr std::uint16_t type_opt = 41;
constexpr std::size_t records_kept_max = 4096;  // a 64 KiB message cannot hold more with data

class Reader {
 public:
  Reader(Bytes bytes, DnsDialect dialect, DnsMessage& message)
      : bytes_(bytes), netbios_(dialect == DnsDialect::netbios), message_(message) {}

  void read() {
    ByteCursor in{bytes_};
    message_.id = in.be16();
    message_.flags = in.be16();
    const std::uint16_t questions = in.be16();
    const std::uint16_t answers = in.be16();
    const std::uint16_t authority = in.be16();
    const std::uint16_t additional = in.be16();
    if (!in.ok()) {
      refuse(Anomaly::dns_header_cut, bytes_.size());
      return;
    }
    at_ = in.position();
    for (std::uint32_t i = 0; i < questions && !message_.malformed; ++i) question();
    records(DnsSection::answer, answers);
    records(DnsSection::authority, authority);
    records(DnsSection::additional, additional);
    if (!message_.malformed && at_ < bytes_.size())
      add(message_.anomalies, Anomaly::dns_trailing_bytes);
  }

 private:
  void refuse(Anomaly why, std::size_t at) {
    message_.malformed = true;
    message_.malformed_at = static_cast<std::uint32_t>(at);
    message_.malformed_reason = why;
    add(message_.anomalies, why);
  }

  bool name(std::string& out) {
    const DnsNameResult result = append_dns_name(out, bytes_, at_, bytes_.size());
    if (result.refused) {
      refuse(*result.refused, result.refused_at);
      return false;
    }
    at_ = result.next;
    if (netbios_) out = nbns_name(out);
    return true;
  }

  void question() {
    DnsQuestion q;
    const std::size_t start = at_;
    if (!name(q.name)) return;
    ByteCursor in{bytes_.subspan(at_)};
    q.type = in.be16();
    q.klass = in.be16();
    if (!in.ok()) {
      refuse(Anomaly::dns_record_cut, start);
      return;
    }
    at_ += in.position();
    message_.questions.push_back(std::move(q));
  }

  void records(DnsSection section, std::uint16_t count) {
    for (std::uint32_t i = 0; i < count && !message_.malformed; ++i) record(section);
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
      refuse(Anomaly::dns_record_cut, start);
      return;
    }
    const std::size_t data = at_ + in.position();
    at_ = data + length;
    if (r.type == type_opt && section == DnsSection::additional && !message_.edns.present) {
      edns(r, bytes_.subspan(data, length));
      return;
    }
    if (message_.records.size() == records_kept_max) {
      add(message_.anomalies, Anomaly::dns_records_omitted);
      return;
    }
    const bool told = netbios_ && append_nbns_rdata(r.data, bytes_.subspan(data, length), r.type);
    if (!told && !append_rdata(r.data, bytes_, data, length, r.type))
      add(message_.anomalies, Anomaly::dns_rdata_invalid);
    message_.records.push_back(std::move(r));
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
    while (in.left() > 0) {
      DnsEdnsOption option;
      option.code = in.be16();
      const Bytes value = in.take(in.be16());
      if (!in.ok()) {
        add(message_.anomalies, Anomaly::dns_rdata_invalid);
        return;
      }
      option.data.assign(value.begin(), value.end());
      e.options.push_back(std::move(option));
    }
  }

  Bytes bytes_;
  bool netbios_;
  DnsMessage& message_;
  std::size_t at_ = 0;
};

}  // namespace

DnsMessage parse_dns(Bytes bytes, DnsDialect dialect) {
  DnsMessage message;
  message.bytes = static_cast<std::uint32_t>(bytes.size());
  Reader{bytes, dialect, message}.read();
  return message;
}

}  // namespace dpi
