// What reads one direction of a TCP stream once its protocol is known.
#pragma once

#include <cstdint>
#include <memory>

#include "dissectors/anomaly.h"
#include "probe/flow/flow_key.h"
#include "probe/metadata/app_metadata.h"
#include "probe/stream/byte_stream.h"

namespace dpi {

enum class ReadState : std::uint8_t {
  more,    // wants further bytes
  done,    // has what this direction tells
  other,   // it is something else, and nothing is wrong with that
  failed,  // it is not what it looked like, or malformed: the anomaly says so
};

class StreamReader {
 public:
  virtual ~StreamReader() = default;
  // Consumes what it understands of stream.readable(). How the bytes were cut into segments makes
  // no difference to what it finds.
  virtual ReadState read(ByteStream& stream, AppMetadata& metadata, AnomalySet& found) = 0;
  // Nothing more may come: what a part that was never whole says.
  virtual void conclude(AppMetadata& /*metadata*/) const {}
  // What it keeps beside the streams' bytes, itself included.
  [[nodiscard]] virtual std::size_t memory_bytes() const noexcept = 0;
};

[[nodiscard]] std::unique_ptr<StreamReader> make_tls_reader(StreamMemory& memory);
[[nodiscard]] std::unique_ptr<StreamReader> make_http1_request_reader();
[[nodiscard]] std::unique_ptr<StreamReader> make_http1_response_reader();
[[nodiscard]] std::unique_ptr<StreamReader> make_http2_reader(bool client);
[[nodiscard]] std::unique_ptr<StreamReader> make_ssh_reader(Side sender);

}  // namespace dpi
