#include "probe/crypto/tls_client.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstdint>
#include <cstring>

namespace dpi {
namespace {

struct FreeContext {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
struct FreeSession {
  void operator()(SSL* session) const noexcept { SSL_free(session); }
};

// The oldest error of this thread; the others are of who called it.
std::string reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (ERR_SYSTEM_ERROR(code)) return std::strerror(ERR_GET_REASON(code));
  const char* const text = ERR_reason_error_string(code);
  return text != nullptr ? text : "no reason is given";
}

tl::unexpected<Error> unusable(const std::string& file, std::string_view wanted) {
  return fail(Errc::usage, fmt::format("{}: is no {}: {}", file, wanted, reason()));
}

Result<void> read_files(SSL_CTX* context, const TlsSettings& settings) {
  ERR_clear_error();
  if (settings.trust_file.empty()) {
    SSL_CTX_set_default_verify_paths(context);
  } else if (SSL_CTX_load_verify_file(context, settings.trust_file.c_str()) != 1) {
    return unusable(settings.trust_file, "PEM file of trusted certificates");
  }
  if (settings.certificate.empty()) return {};
  if (SSL_CTX_use_certificate_chain_file(context, settings.certificate.c_str()) != 1)
    return unusable(settings.certificate, "PEM certificate");
  const std::string& key = settings.key.empty() ? settings.certificate : settings.key;
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1)
    return unusable(key, "PEM key of that certificate");
  return {};
}

// RFC 6125: an address is compared with addresses, a name with names; a name is also told (SNI).
bool expect_host(SSL* session, const std::string& host) {
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host.c_str()) == 1) return true;
  ERR_clear_error();
  SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(session, host.c_str()) == 1 &&
         SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                  const_cast<char*>(host.c_str())) == 1;  // NOLINT(*-const-cast)
}

}  // namespace

struct TlsClient::Impl {
  std::unique_ptr<SSL_CTX, FreeContext> context;
  std::unique_ptr<SSL, FreeSession> session;
  BIO* in = nullptr;  // the session's
  BIO* out = nullptr;
  bool closed = false;

  [[nodiscard]] Result<void> step();
  [[nodiscard]] tl::unexpected<Error> refused() const;
};

TlsClient::TlsClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsClient::TlsClient(TlsClient&&) noexcept = default;
TlsClient& TlsClient::operator=(TlsClient&&) noexcept = default;
TlsClient::~TlsClient() = default;

Result<TlsClient> TlsClient::make(const TlsSettings& settings) {
  auto impl = std::make_unique<Impl>();
  impl->context.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* const context = impl->context.get();
  if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1)
    return fail(Errc::failure, "TLS: OpenSSL gives no context: " + reason());
  if (auto read = read_files(context, settings); !read) return tl::unexpected(read.error());
  SSL_CTX_set_verify(context, settings.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  impl->session.reset(SSL_new(context));
  impl->in = BIO_new(BIO_s_mem());
  impl->out = BIO_new(BIO_s_mem());
  SSL* const session = impl->session.get();
  if (session == nullptr || impl->in == nullptr || impl->out == nullptr) {
    BIO_free(impl->in);
    BIO_free(impl->out);
    return fail(Errc::failure, "TLS: OpenSSL gives no session: " + reason());
  }
  // An empty buffer means "not yet", never the end.
  BIO_set_mem_eof_return(impl->in, -1);
  SSL_set_bio(session, impl->in, impl->out);
  SSL_set_connect_state(session);
  if (!expect_host(session, settings.host))
    return fail(Errc::usage, fmt::format("{}: is no name that a certificate can have: {}",
                                         settings.host, reason()));
  if (auto begun = impl->step(); !begun) return tl::unexpected(begun.error());
  return TlsClient(std::move(impl));
}

tl::unexpected<Error> TlsClient::Impl::refused() const {
  const long verified = SSL_get_verify_result(session.get());
  if (verified != X509_V_OK) {
    ERR_clear_error();
    return fail(Errc::sink,
                fmt::format("its certificate is refused: {}; name the CA that it is from with "
                            "ca=FILE, and the host as the certificate does",
                            X509_verify_cert_error_string(verified)));
  }
  return fail(Errc::sink, "TLS: " + reason());
}

// Takes in everything that has come. A syslog receiver, for one, has nothing to say: it is left.
Result<void> TlsClient::Impl::step() {
  std::array<std::uint8_t, 4096> left{};
  for (;;) {
    ERR_clear_error();
    const int got = SSL_is_init_finished(session.get()) == 0
                        ? SSL_do_handshake(session.get())
                        : SSL_read(session.get(), left.data(), static_cast<int>(left.size()));
    if (got > 0) continue;
    const int why = SSL_get_error(session.get(), got);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return {};
    if (why != SSL_ERROR_ZERO_RETURN) return refused();
    closed = true;
    return {};
  }
}

Result<void> TlsClient::received(std::string_view bytes) {
  while (!bytes.empty()) {
    const int took = BIO_write(impl_->in, bytes.data(), static_cast<int>(bytes.size()));
    if (took <= 0) return fail(Errc::failure, "TLS: no memory");
    bytes.remove_prefix(static_cast<std::size_t>(took));
  }
  return impl_->step();
}

bool TlsClient::ready() const noexcept {
  return SSL_is_init_finished(impl_->session.get()) == 1;
}

bool TlsClient::closed() const noexcept {
  return impl_->closed;
}

Result<void> TlsClient::put(std::string_view bytes) {
  ERR_clear_error();
  std::size_t took = 0;
  if (bytes.empty()) return {};
  // The buffer behind it grows: all of it is taken.
  if (SSL_write_ex(impl_->session.get(), bytes.data(), bytes.size(), &took) != 1 ||
      took != bytes.size())
    return impl_->refused();
  return {};
}

void TlsClient::end() {
  if (ready()) SSL_shutdown(impl_->session.get());
  ERR_clear_error();
}

void TlsClient::take(std::string& out) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(impl_->out, &bytes);
  if (size > 0) out.append(bytes, static_cast<std::size_t>(size));
  (void)BIO_reset(impl_->out);
}

}  // namespace dpi
