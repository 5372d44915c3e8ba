// Which protocol a stream begins with, by its bytes alone; ports say nothing.
#pragma once

#include <cstdint>

#include "probe/base/bytes.h"

namespace dpi {

enum class StreamStart : std::uint8_t {
  none,
  perhaps,  // too few bytes to tell
  tls_client,
  tls_server,
  http1_request,
  http1_response,
  http2_client,
  http2_server,
  ssh,
};

[[nodiscard]] StreamStart detect(Bytes head) noexcept;

}  // namespace dpi
