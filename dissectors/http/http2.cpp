#include "dissectors/http/http2.h"

#include "probe/base/byte_cursor.h"

namespace dpi {

std::optional<Http2FrameHeader> parse_http2_frame_header(Bytes bytes) noexcept {
  ByteCursor in(bytes);
  Http2FrameHeader out;
  out.length = in.be24();
  out.type = in.u8();
  out.flags = in.u8();
  out.stream = in.be32() & 0x7fff'ffffU;
  if (!in.ok()) return std::nullopt;
  return out;
}

std::optional<Bytes> http2_field_block(const Http2FrameHeader& header, Bytes payload) noexcept {
  ByteCursor in(payload);
  if (header.type == http2_frame::continuation) return payload;
  const std::size_t padding = (header.flags & http2_flag::padded) != 0 ? in.u8() : 0U;
  if (header.type == http2_frame::headers && (header.flags & http2_flag::priority) != 0) in.skip(5);
  if (header.type == http2_frame::push_promise) in.skip(4);
  if (!in.ok() || padding > in.left()) return std::nullopt;
  return in.take(in.left() - padding);
}

}  // namespace dpi
