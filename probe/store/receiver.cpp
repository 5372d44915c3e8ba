#include "probe/store/receiver.h"

#include <fmt/format.h>

#include <charconv>

namespace dpi {
namespace {

constexpr std::string_view tcp_scheme = "tcp://";
constexpr std::string_view tls_scheme = "tls://";
constexpr std::size_t hosts_max = 32;

tl::unexpected<Error> wrong(std::string_view text, std::string_view why) {
  return fail(Errc::usage, fmt::format("{}: {}; tls://HOST[:PORT][?ca=FILE&cert=FILE&key=FILE] or "
                                       "tcp://HOST[:PORT]",
                                       text, why));
}

bool is_port(std::string_view text) {
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() && number > 0;
}

// Printable and no space: it is said in the log and given to resolvers.
bool is_host(std::string_view text) {
  constexpr std::string_view allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:%";
  return !text.empty() && text.size() <= 255 &&
         text.find_first_not_of(allowed) == std::string_view::npos;
}

std::optional<HostAndPort> host_and_port(std::string_view text, std::string_view default_port) {
  HostAndPort out{.host = {}, .port = std::string{default_port}};
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    out.host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    out.host = text.substr(0, colon);
    rest = text.substr(colon);
  }
  if (!rest.empty()) {
    if (!rest.starts_with(':') || !is_port(rest.substr(1))) return std::nullopt;
    out.port = rest.substr(1);
  }
  if (!is_host(out.host)) return std::nullopt;
  return out;
}

Result<void> set_option(Receiver& out, std::string_view text, std::string_view option) {
  const std::size_t equals = std::min(option.find('='), option.size());
  const std::string_view name = option.substr(0, equals);
  const std::string value{option.substr(std::min(equals + 1, option.size()))};
  if (out.transport != Transport::tls) return wrong(text, "only tls:// has options");
  if (name == "verify" && value == "no") {
    out.tls.verify = false;
  } else if (value.empty()) {
    return wrong(text, fmt::format("{}: needs a file", name));
  } else if (name == "ca") {
    out.tls.trust_file = value;
  } else if (name == "cert") {
    out.tls.certificate = value;
  } else if (name == "key") {
    out.tls.key = value;
  } else {
    return wrong(text, fmt::format("{}: there is ca, cert, key and verify=no", option));
  }
  return {};
}

}  // namespace

std::string HostAndPort::text() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

std::vector<std::string> Receiver::files() const {
  std::vector<std::string> out;
  for (const std::string& file : {tls.trust_file, tls.certificate, tls.key})
    if (!file.empty()) out.push_back(file);
  return out;
}

std::string Receiver::text() const {
  if (transport == Transport::datagram) return name;
  std::string out;
  for (const HostAndPort& host : hosts) out += (out.empty() ? "" : ",") + host.text();
  return out;
}

bool names_receiver(std::string_view text) noexcept {
  return text.starts_with(tcp_scheme) || text.starts_with(tls_scheme);
}

Result<Receiver> parse_receiver(std::string_view text, const DefaultPorts& ports) {
  Receiver out;
  if (!names_receiver(text)) return wrong(text, "does not say where to");
  out.transport = text.starts_with(tls_scheme) ? Transport::tls : Transport::tcp;
  std::string_view rest = text.substr(tcp_scheme.size());
  const std::size_t question = std::min(rest.find('?'), rest.size());
  std::string_view options = rest.substr(std::min(question + 1, rest.size()));
  rest = rest.substr(0, question);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  out.name = rest.substr(std::min(slash + 1, rest.size()));
  rest = rest.substr(0, slash);
  for (bool more = true; more;) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const auto host = host_and_port(rest.substr(0, comma),
                                    out.transport == Transport::tls ? ports.tls : ports.tcp);
    if (!host) return wrong(text, "has no host, or a port that is none");
    out.hosts.push_back(*host);
    if (out.hosts.size() > hosts_max) return wrong(text, "names too many hosts");
    more = comma < rest.size();
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  while (!options.empty()) {
    const std::size_t end = std::min(options.find('&'), options.size());
    if (auto set = set_option(out, text, options.substr(0, end)); !set)
      return tl::unexpected(set.error());
    options.remove_prefix(std::min(end + 1, options.size()));
  }
  if (!out.tls.key.empty() && out.tls.certificate.empty())
    return wrong(text, "a key needs its certificate, cert=FILE");
  return out;
}

}  // namespace dpi
