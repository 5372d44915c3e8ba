// Envelope v1: who says a payload, and in which place of which chain. Closed schema, every member
// required.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "probe/base/bytes.h"
#include "probe/base/hex.h"
#include "probe/base/result.h"
#include "probe/base/time.h"

namespace dpi {

inline constexpr std::string_view envelope_schema = "ransomeye.envelope/1";
inline constexpr std::size_t envelope_bytes_max = 4096;
inline constexpr std::size_t payload_bytes_max = 61'440;

enum class Mode : std::uint8_t { live, replay };
[[nodiscard]] std::string_view mode_name(Mode mode) noexcept;

// What stays the same for every event of one run.
struct Identity {
  Uuid instance{};
  Uuid machine{};
  Uuid boot{};
  std::string hostname;  // pct-text, 1–255
  std::string version;   // ≤ 64
  Mode mode = Mode::live;
};

struct Envelope {
  std::string component = "dpi_probe";
  Identity identity;
  Timestamp emitted_at{};
  Uuid event_id{};
  std::string event_type;
  std::uint32_t event_version = 1;
  std::uint64_t mono_us = 0;
  Timestamp observed_at{};
  std::uint64_t payload_bytes = 0;
  Digest payload_sha256{};
  Digest prev_hash{};
  std::uint64_t seq = 0;
};

// UUIDv8: milliseconds of observed_at and 74 bits that bind instance, sequence and payload.
[[nodiscard]] Uuid make_event_id(const Uuid& instance, std::uint64_t seq, Timestamp observed_at,
                                 const Digest& payload_sha256);

void append_envelope(std::string& out, const Envelope& envelope);
// Only the exact canonical bytes; anything else is nothing.
[[nodiscard]] std::optional<Envelope> parse_envelope(std::string_view text);

// What an envelope says of its own payload and id: the digest, the length and the id that follows
// from them, and that the payload is canonical. A payload that was erased lawfully is nothing.
// Errors are Errc::verification and name the sequence.
[[nodiscard]] Result<void> check_commitments(const Envelope& envelope,
                                             std::optional<std::string_view> payload);

// SHA-256(0x00 ‖ bytes): content hash, link of the next envelope and Merkle leaf at once.
[[nodiscard]] Digest envelope_hash(std::string_view envelope);

}  // namespace dpi
