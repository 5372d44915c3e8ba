#include "probe/envelope/envelope.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "probe/crypto/digest.h"
#include "probe/envelope/canonical_writer.h"

namespace dpi {
namespace {

constexpr std::array<std::uint8_t, 1> leaf_prefix{0x00};

// Reads the members in their one order; every read fails for good after the first mismatch.
class MemberReader {
 public:
  explicit MemberReader(std::string_view text) : rest_(text) {}

  void literal(std::string_view expected) {
    if (!rest_.starts_with(expected)) {
      ok_ = false;
      return;
    }
    rest_.remove_prefix(expected.size());
  }
  std::string_view string(std::string_view name) {
    begin(name);
    literal("\"");
    const std::size_t end = ok_ ? rest_.find('"') : std::string_view::npos;
    if (end == std::string_view::npos) {
      ok_ = false;
      return {};
    }
    const std::string_view value = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return value;
  }
  std::uint64_t integer(std::string_view name) {
    begin(name);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (!ok_ || error != std::errc{} || value > integer_max) {
      ok_ = false;
      return 0;
    }
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }
  template <class T>
  T parsed(std::optional<T> value) {
    if (!value) ok_ = false;
    return value.value_or(T{});
  }
  [[nodiscard]] bool finished() const { return ok_ && rest_.empty(); }

 private:
  void begin(std::string_view name) {
    literal(first_ ? "\"" : ",\"");
    first_ = false;
    literal(name);
    literal("\":");
  }
  std::string_view rest_;
  bool ok_ = true;
  bool first_ = false;

 public:
  void open(std::string_view bracket) {
    literal(bracket);
    first_ = true;
  }
};

}  // namespace

std::string_view mode_name(Mode mode) noexcept {
  return mode == Mode::live ? "live" : "replay";
}

Uuid make_event_id(const Uuid& instance, std::uint64_t seq, Timestamp observed_at,
                   const Digest& payload_sha256) {
  std::array<std::uint8_t, 8> number{};
  for (std::size_t i = 0; i < 8; ++i) number[i] = static_cast<std::uint8_t>(seq >> (56U - 8U * i));
  const Digest bound =
      sha256({as_bytes("ransomeye.event-id/1\n"), instance, number, payload_sha256});
  const auto ms =
      static_cast<std::uint64_t>(std::max<std::int64_t>(nanoseconds(observed_at), 0)) / 1'000'000U;
  Uuid id{};
  for (std::size_t i = 0; i < 6; ++i) id[i] = static_cast<std::uint8_t>(ms >> (40U - 8U * i));
  std::copy_n(bound.begin(), 10, id.begin() + 6);
  id[6] = static_cast<std::uint8_t>((id[6] & 0x0fU) | 0x80U);
  id[8] = static_cast<std::uint8_t>((id[8] & 0x3fU) | 0x80U);
  return id;
}

void append_envelope(std::string& out, const Envelope& e) {
  CanonicalWriter w(out);
  w.begin_object();
  w.member("component", e.component);
  w.member("component_instance_id", e.identity.instance);
  w.member("emitted_at", e.emitted_at);
  w.member("event_id", e.event_id);
  w.member("event_type", e.event_type);
  w.member("event_version", e.event_version);
  w.key("identity");
  w.begin_object();
  w.member("boot_id", e.identity.boot);
  w.member("hostname", e.identity.hostname);
  w.member("version", e.identity.version);
  w.end_object();
  w.member("machine_id", e.identity.machine);
  w.member("mode", mode_name(e.identity.mode));
  w.member("mono_us", e.mono_us);
  w.member("observed_at", e.observed_at);
  w.member("payload_bytes", e.payload_bytes);
  w.member_hex("payload_sha256", e.payload_sha256);
  w.member_hex("prev_hash", e.prev_hash);
  w.member("schema", envelope_schema);
  w.member("seq", e.seq);
  w.end_object();
}

std::optional<Envelope> parse_envelope(std::string_view text) {
  if (text.size() > envelope_bytes_max) return std::nullopt;
  Envelope e;
  MemberReader in(text);
  in.open("{");
  e.component = in.string("component");
  e.identity.instance = in.parsed(parse_uuid(in.string("component_instance_id")));
  e.emitted_at = in.parsed(parse_time(in.string("emitted_at")));
  e.event_id = in.parsed(parse_uuid(in.string("event_id")));
  e.event_type = in.string("event_type");
  e.event_version = static_cast<std::uint32_t>(in.integer("event_version"));
  in.literal(",\"identity\":");
  in.open("{");
  e.identity.boot = in.parsed(parse_uuid(in.string("boot_id")));
  e.identity.hostname = in.string("hostname");
  e.identity.version = in.string("version");
  in.literal("}");
  e.identity.machine = in.parsed(parse_uuid(in.string("machine_id")));
  const std::string_view mode = in.string("mode");
  e.identity.mode = mode == "live" ? Mode::live : Mode::replay;
  e.mono_us = in.integer("mono_us");
  e.observed_at = in.parsed(parse_time(in.string("observed_at")));
  e.payload_bytes = in.integer("payload_bytes");
  e.payload_sha256 = in.parsed(parse_digest(in.string("payload_sha256")));
  e.prev_hash = in.parsed(parse_digest(in.string("prev_hash")));
  const std::string_view schema = in.string("schema");
  e.seq = in.integer("seq");
  in.literal("}");
  if (!in.finished() || schema != envelope_schema || (mode != "live" && mode != "replay"))
    return std::nullopt;
  if (e.identity.hostname.empty() || e.identity.hostname.size() > 255 ||
      e.identity.version.size() > 64 || e.event_type.size() > 64 || e.event_version == 0 ||
      e.event_version > 65'535) {
    return std::nullopt;
  }
  // Every other string has a form of its own.
  for (const std::string_view free :
       {std::string_view{e.component}, std::string_view{e.event_type},
        std::string_view{e.identity.hostname}, std::string_view{e.identity.version}}) {
    if (!is_canonical_text(free)) return std::nullopt;
  }
  // What we would write is what stands there: the last word on being canonical.
  std::string again;
  append_envelope(again, e);
  if (again != text) return std::nullopt;
  return e;
}

Result<void> check_commitments(const Envelope& e, std::optional<std::string_view> payload) {
  const auto broken = [&e](std::string_view what) {
    return fail(Errc::verification, fmt::format("sequence {}: {}", e.seq, what));
  };
  if (e.event_id != make_event_id(e.identity.instance, e.seq, e.observed_at, e.payload_sha256))
    return broken("event_id does not follow from instance, sequence and payload");
  if (!payload) return {};
  if (payload->size() != e.payload_bytes || sha256({as_bytes(*payload)}) != e.payload_sha256)
    return broken("the payload is not the one the envelope commits to");
  if (!is_canonical_json(*payload)) return broken("the payload is not canonical JSON");
  return {};
}

Digest envelope_hash(std::string_view envelope) {
  return sha256({leaf_prefix, as_bytes(envelope)});
}

}  // namespace dpi
