// A connection to who receives an output: TCP, TLS over it, or datagrams to a Unix socket. Nothing
// here waits longer than its limits and its patience. Owned by one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "probe/base/file_descriptor.h"
#include "probe/base/result.h"
#include "probe/crypto/tls_client.h"
#include "probe/store/patience.h"
#include "probe/store/receiver.h"

namespace dpi {

struct ConnectionLimits {
  std::chrono::milliseconds connect{5'000};  // with the TLS handshake
  std::chrono::milliseconds stall{10'000};   // while the receiver takes nothing
  std::chrono::milliseconds end{1'000};      // for the receiver to close, when it has everything
};

class ReceiverConnection {
 public:
  // `patience` outlives it. Errors are Errc::sink and name the receiver; Errc::usage for a file of
  // the receiver that cannot be used.
  [[nodiscard]] static Result<std::unique_ptr<ReceiverConnection>> open(
      const Receiver& receiver, const Patience& patience, const ConnectionLimits& limits = {});

  // All of it is in the kernel, or an error. Of datagrams: one.
  [[nodiscard]] Result<void> send(std::string_view bytes);
  // Takes in, and leaves, what the receiver says. An error when it has closed.
  [[nodiscard]] Result<void> hear();
  // Bytes as they go over the wire: given to the kernel; known to have arrived at the receiver's.
  [[nodiscard]] std::uint64_t sent_bytes() const noexcept { return sent_; }
  [[nodiscard]] std::uint64_t arrived_bytes() const noexcept;
  // Says that nothing more comes, and waits for the receiver to close. True: it did, which it does
  // when it has read everything; false: it leaves the connection open. An error when it broke it
  // off: TLS 1.3 lets a receiver refuse the client's certificate behind what was sent already.
  [[nodiscard]] Result<bool> end();

 private:
  ReceiverConnection(const Receiver& receiver, const Patience& patience,
                     const ConnectionLimits& limits)
      : receiver_(receiver), patience_(patience), limits_(limits) {}
  using Deadline = Patience::Clock::time_point;

  Result<void> connect();
  Result<void> connect_stream(Deadline deadline);
  Result<void> connect_datagrams();
  Result<void> shake_hands(Deadline deadline);
  // False: not in time. `events` as of poll(2).
  [[nodiscard]] bool wait(short events, Deadline deadline) const;
  Result<void> send_wire(std::string_view wire);
  Result<void> take_in(bool& ended);
  [[nodiscard]] tl::unexpected<Error> failed(std::string_view what) const;

  Receiver receiver_;
  const Patience& patience_;
  ConnectionLimits limits_;
  FileDescriptor socket_;
  std::optional<TlsClient> tls_;
  std::string wire_;  // of TLS, on its way
  std::uint64_t sent_ = 0;
};

}  // namespace dpi
