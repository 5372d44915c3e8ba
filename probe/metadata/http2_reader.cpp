#include <algorithm>

#include "dissectors/http/http2.h"
#include "probe/base/byte_cursor.h"
#include "probe/metadata/hpack.h"
#include "probe/metadata/stream_reader.h"

namespace dpi {
namespace {

// RFC 9113 §6.5.2: the largest frame nobody has to ask for.
constexpr std::uint32_t frame_bytes_max = 16'384;
constexpr int frames_max = 64;  // before the field block that counts

std::uint16_t status_of(std::string_view text) noexcept {
  std::uint16_t out = 0;
  if (text.size() != 3) return 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return 0;
    out = static_cast<std::uint16_t>(out * 10 + (c - '0'));
  }
  return out;
}

// Prior knowledge (RFC 9113 §3.3): the first request of the connection and the first response.
class Http2Reader final : public StreamReader {
 public:
  explicit Http2Reader(bool client) noexcept : client_(client), preface_read_(!client) {}

  ReadState read(ByteStream& stream, AppMetadata& metadata, AnomalySet& found) override {
    while (true) {
      if (!preface_read_) {
        if (stream.readable().size() < http2_preface.size()) return ReadState::more;
        stream.consume(http2_preface.size());
        preface_read_ = true;
      }
      const std::size_t skipped = std::min<std::size_t>(skip_, stream.readable().size());
      stream.consume(skipped);
      skip_ -= skipped;
      if (skip_ > 0) return ReadState::more;
      const auto header = parse_http2_frame_header(stream.readable());
      if (!header) return ReadState::more;
      if (header->type == http2_frame::continuation) return fail(found);
      if (++frames_ > frames_max) return fail(found, Anomaly::http2_head_too_long);
      if (header->type != http2_frame::headers && header->type != http2_frame::push_promise) {
        stream.consume(http2_frame_header_bytes);
        skip_ = header->length;
        continue;
      }
      const Block block = whole_block(stream.readable());
      if (block.outcome == ReadState::more) {
        --frames_;
        return ReadState::more;
      }
      if (block.outcome == ReadState::failed) return fail(found, block.why);
      const ReadState outcome = take_block(*header, block.fields, metadata, found);
      if (outcome != ReadState::more) return outcome;
      stream.consume(block.frame_bytes);
    }
  }
  [[nodiscard]] std::size_t memory_bytes() const noexcept override {
    return sizeof *this + hpack_.memory_bytes();
  }

 private:
  struct Block {
    ReadState outcome = ReadState::failed;
    Anomaly why = Anomaly::http2_frame_invalid;
    ByteBuffer fields;
    std::size_t frame_bytes = 0;
  };

  static ReadState fail(AnomalySet& found, Anomaly why = Anomaly::http2_frame_invalid) {
    add(found, why);
    return ReadState::failed;
  }

  // The field block that begins here and goes on in CONTINUATION frames of its stream (RFC 9113
  // §6.10); put together only when all of it is here.
  static Block whole_block(Bytes bytes) {
    Block out;
    ByteCursor in(bytes);
    for (int frames = 0; frames < frames_max; ++frames) {
      const auto header = parse_http2_frame_header(in.take(http2_frame_header_bytes));
      const Bytes payload = in.take(header ? header->length : 0);
      if (header && frames > 0 && header->type != http2_frame::continuation) return out;
      // More may be agreed in SETTINGS (RFC 9113 §4.2).
      if (header && header->length > frame_bytes_max) return too_long(out);
      if (!in.ok()) {
        out.outcome = ReadState::more;
        return out;
      }
      const auto part = http2_field_block(*header, payload);
      if (!part) return out;
      out.fields.insert(out.fields.end(), part->begin(), part->end());
      if ((header->flags & http2_flag::end_headers) == 0) continue;
      out.outcome = ReadState::done;
      out.frame_bytes = in.position();
      return out;
    }
    return too_long(out);
  }
  static Block too_long(Block& block) {
    block.why = Anomaly::http2_head_too_long;
    return std::move(block);
  }

  ReadState take_block(const Http2FrameHeader& header, Bytes fields, AppMetadata& metadata,
                       AnomalySet& found) {
    const bool promise = header.type == http2_frame::push_promise;
    const bool read = hpack_.decode(fields, [&](std::string_view name, std::string_view value) {
      if (!promise) take_field(name, value, metadata);
    });
    if (!read) return fail(found);
    const bool interim = !client_ && (promise || metadata.http_status < 200);
    return interim ? ReadState::more : ReadState::done;
  }

  void take_field(std::string_view name, std::string_view value, AppMetadata& metadata) const {
    const Bytes bytes = as_bytes(value);
    if (!client_) {
      if (name == ":status") metadata.http_status = status_of(value);
    } else if (name == ":method") {
      keep_text(metadata.http_method, bytes, metadata_limit::http_method);
    } else if (name == ":path") {
      keep_text(metadata.http_url, bytes, metadata_limit::http_url);
    } else if (name == ":authority" || (name == "host" && metadata.server_name.empty())) {
      keep_text(metadata.server_name, bytes, metadata_limit::server_name);
    } else if (name == "user-agent") {
      keep_text(metadata.http_user_agent, bytes, metadata_limit::http_user_agent);
    }
  }

  bool client_;
  bool preface_read_;
  std::size_t skip_ = 0;  // of a frame that is not looked at
  int frames_ = 0;
  HpackDecoder hpack_;
};

}  // namespace

std::unique_ptr<StreamReader> make_http2_reader(bool client) {
  return std::make_unique<Http2Reader>(client);
}

}  // namespace dpi
