// The client's side of TLS (RFC 5246, RFC 8446) between two buffers: bytes of the network go in and
// come out, who owns the socket moves them. Owned by one thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "probe/base/result.h"

namespace dpi {

struct TlsSettings {
  std::string host = {};         // a name or an address: what the certificate must be for
  std::string trust_file = {};   // PEM; empty: the system's
  std::string certificate = {};  // PEM, with its chain; empty: the client shows none
  std::string key = {};          // PEM; empty: stands in the file of the certificate
  bool verify = true;            // false: whoever answers is believed
};

class TlsClient {
 public:
  // Reads the files. Errc::usage when one of them is not what it must be.
  [[nodiscard]] static Result<TlsClient> make(const TlsSettings& settings);
  TlsClient(TlsClient&&) noexcept;
  TlsClient& operator=(TlsClient&&) noexcept;
  ~TlsClient();

  // What has come from the network. What it says is taken in: the handshake goes on, and whatever
  // the other side sends behind it is left unread. Errc::sink: refused, with the reason.
  [[nodiscard]] Result<void> received(std::string_view bytes);
  // True: the handshake is done and the certificate was good.
  [[nodiscard]] bool ready() const noexcept;
  // The other side has said that it sends no more.
  [[nodiscard]] bool closed() const noexcept;
  // Only when ready.
  [[nodiscard]] Result<void> put(std::string_view bytes);
  // Says that nothing more is put.
  void end();
  // What must go to the network now; it is no longer kept here.
  void take(std::string& out);

 private:
  struct Impl;
  explicit TlsClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace dpi
