#include "dissectors/dns/name.h"

#include <array>

#include "probe/base/pct_text.h"

namespace dpi {
namespace {

constexpr std::size_t name_bytes_max = 255;
constexpr int pointers_max = 128;

// A name's text on the stack, so that the string takes it in one piece, and with one allocation.
class NameText {
 public:
  explicit NameText(std::string& out) noexcept : out_(out) {}
  NameText(const NameText&) = delete;
  NameText& operator=(const NameText&) = delete;
  ~NameText() { out_.append(text_.data(), size_); }

  void dot() noexcept { text_[size_++] = '.'; }
  // As pct-text; a dot inside it is %2E.
  void label(Bytes label) noexcept {
    for (const std::uint8_t b : label) {
      if (b != '.' && is_pct_plain(b)) {
        text_[size_++] = static_cast<char>(b);
      } else {
        size_ = static_cast<std::size_t>(write_pct_escape(&text_[size_], b) - text_.data());
      }
    }
  }

 private:
  std::string& out_;
  std::size_t size_ = 0;
  std::array<char, 3 * name_bytes_max> text_;  // NOLINT: written before it is read
};

}  // namespace

DnsNameResult append_dns_name(std::string& out, Bytes message, std::size_t offset,
                              std::size_t limit) {
  DnsNameResult result;
  NameText text(out);
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
    if (!first) text.dot();
    text.label(message.subspan(at, length));
    first = false;
    at += length;
  }
  if (first) text.dot();
  if (pointers == 0) result.next = at;
  return result;
}

}  // namespace dpi
