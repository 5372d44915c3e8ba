// The canonical JSON of envelopes and payloads (docs/envelope.md): sorted names, integers only,
// strings that need no escape. The writer refuses (DPI_CHECK) what would not be canonical: that is
// our own mistake, never the packet's, because untrusted bytes go through pct().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "probe/base/bytes.h"
#include "probe/base/hex.h"
#include "probe/base/ip_address.h"
#include "probe/base/time.h"

namespace dpi {

inline constexpr std::uint64_t integer_max = (std::uint64_t{1} << 53U) - 1;

// Appends bytes as pct-text, at most limit encoded bytes; false when something was cut off.
bool append_pct(std::string& out, Bytes bytes, std::size_t limit = std::string::npos);
[[nodiscard]] std::string pct_text(Bytes bytes);
// True for strings that the canonical form carries as they are.
[[nodiscard]] bool is_canonical_text(std::string_view text) noexcept;
// True when text is one canonical JSON value, nesting at most 16 deep. Never allocates more than
// its depth.
[[nodiscard]] bool is_canonical_json(std::string_view text) noexcept;

class CanonicalWriter {
 public:
  explicit CanonicalWriter(std::string& out) : out_(out) {}

  void begin_object();
  void end_object();
  void begin_array();
  void end_array();
  void key(std::string_view name);

  void value(std::uint64_t number);  // saturates at 2^53−1
  void value_signed(std::int64_t number);
  void value(bool truth);
  void value(std::string_view canonical);  // only bytes the canonical form allows
  void value(Timestamp time);
  void value(const Uuid& uuid);
  void value(const IpAddress& address);
  void value_hex(Bytes bytes);
  bool value_pct(Bytes bytes, std::size_t limit);

  template <class T>
  void member(std::string_view name, const T& v) {
    key(name);
    if constexpr (std::is_same_v<T, bool>) {
      value(v);
    } else if constexpr (std::is_integral_v<T>) {
      value(static_cast<std::uint64_t>(v));
    } else if constexpr (std::is_convertible_v<T, std::string_view>) {
      value(std::string_view{v});
    } else {
      value(v);
    }
  }
  void member_hex(std::string_view name, Bytes bytes) {
    key(name);
    value_hex(bytes);
  }
  // The member, and behind it `<name>_truncated` when it had to be cut.
  void member_pct(std::string_view name, Bytes bytes, std::size_t limit);

 private:
  static constexpr int depth_max = 16;
  void separate();
  void quoted(std::string_view text);

  std::string& out_;
  std::string_view last_key_[depth_max];
  bool first_[depth_max] = {};
  int depth_ = 0;
  bool after_key_ = false;
};

}  // namespace dpi
