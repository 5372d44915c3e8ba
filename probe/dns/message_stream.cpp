#include "probe/dns/message_stream.h"

#include "probe/base/byte_cursor.h"

namespace dpi {

std::optional<Bytes> MessageStream::next() noexcept {
  ByteCursor in(stream_.readable());
  const Bytes message = in.take(in.be16());
  if (!in.ok()) return std::nullopt;
  stream_.consume(in.position());
  return message;
}

}  // namespace dpi
