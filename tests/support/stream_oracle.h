// What fuzz targets of stream readers ask: the same bytes cut into other segments give the same
// metadata, and every text of it is written as canonical JSON within the payload's limit.
#pragma once

#include <algorithm>
#include <optional>
#include <string>

#include "dissectors/ssh/ssh.h"
#include "probe/base/check.h"
#include "probe/envelope/canonical.h"
#include "probe/envelope/envelope.h"
#include "probe/event/payloads.h"
#include "probe/metadata/metadata_tracker.h"

namespace dpi::test {

inline std::string payload_of(const Flow& flow, const AppMetadata* metadata) {
  const Verdict verdict{.master = "a", .app = "b", .category = "c", .confidence = "d", .risks = {}};
  std::string out;
  append_flow_payload(out, flow, EndReason::idle, true, verdict, metadata);
  DPI_CHECK(is_canonical_json(out) && out.size() <= payload_bytes_max);
  return out;
}

// One direction of a TCP flow whose SYN was seen, in segments of `size` bytes; `backwards`: each
// pair of segments the other way round.
inline std::optional<AppMetadata> metadata_in_segments(Bytes stream, std::size_t size,
                                                       bool backwards) {
  // One tracker for all: making the room for its flows costs more than reading a stream.
  static StreamMemory memory(1U << 20U);
  static MetadataTracker tracker({}, memory);
  Flow flow;
  flow.key.protocol = ip_protocol::tcp;
  PacketView view;
  view.protocol = ip_protocol::tcp;
  view.has_transport = true;
  view.tcp = {.sequence = 0xfffffff0U, .flags = tcp_flag::syn};
  flow.tcp.observe(view, Side::low, {});
  const auto send = [&](std::size_t at) {
    if (at >= stream.size()) return;
    view.tcp = {.sequence = 0xfffffff1U + static_cast<std::uint32_t>(at), .flags = tcp_flag::ack};
    view.payload = stream.subspan(at, std::min(size, stream.size() - at));
    (void)tracker.observe(flow, Side::low, view);
  };
  for (std::size_t at = 0; at < stream.size(); at += 2 * size) {
    send(backwards ? at + size : at);
    send(backwards ? at : at + size);
  }
  std::optional<AppMetadata> out;
  if (const AppMetadata* metadata = tracker.find(flow)) out = *metadata;
  tracker.flow_ended(flow);
  DPI_CHECK(memory.used() == 0);
  return out;
}

// Streams that begin as a protocol of ours: in others, in a tunnel behind CONNECT, and where a
// hello or an SSH identification stands further on, it depends on the packets whether one begins.
inline void check_segmentation(Bytes stream) {
  constexpr std::size_t stream_max = 30'000;  // below what a stream keeps
  stream = stream.first(std::min(stream.size(), stream_max));
  const StreamStart start = detect(stream);
  if (start == StreamStart::none) return;
  const bool ssh = start == StreamStart::ssh;
  if (!ssh && as_text(stream).find(ssh_identification) != std::string_view::npos) return;
  constexpr std::uint8_t handshake = 0x16;
  const bool tls = !stream.empty() && stream[0] <= handshake;
  if (!tls && std::find(stream.begin(), stream.end(), handshake) != stream.end()) return;
  const std::optional<AppMetadata> whole =
      metadata_in_segments(stream, std::max<std::size_t>(stream.size(), 1), false);
  Flow flow;
  flow.key.protocol = ip_protocol::tcp;
  (void)payload_of(flow, whole ? &*whole : nullptr);
  if (whole && whole->http_method == "CONNECT") return;
  for (const std::size_t size : {std::size_t{1}, std::size_t{7}, std::size_t{100}}) {
    DPI_CHECK(metadata_in_segments(stream, size, false) == whole);
  }
  DPI_CHECK(metadata_in_segments(stream, 40, true) == whole);
}

}  // namespace dpi::test
