#include "probe/store/conninfo.h"

#include <libpq-fe.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace dpi {
namespace {

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> out;
  for (;;) {
    const std::size_t comma = list.find(',');
    out.emplace_back(list.substr(0, comma));
    if (comma == std::string_view::npos) return out;
    list.remove_prefix(comma + 1);
  }
}

// The value in force: what was given, else what the environment says (libpq, "Environment
// Variables").
std::string value_of(const ConnectParameters& parameters, std::string_view name,
                     const char* variable) {
  const auto found = std::find_if(parameters.rbegin(), parameters.rend(),
                                  [&](const auto& parameter) { return parameter.first == name; });
  if (found != parameters.rend()) return found->second;
  const char* const value = std::getenv(variable);
  return value != nullptr ? value : "";
}

}  // namespace

Result<ConnectParameters> parse_conninfo(const std::string& conninfo) {
  char* message = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> parsed(
      PQconninfoParse(conninfo.c_str(), &message), &PQconninfoFree);
  PQfreemem(message);  // it quotes the text around the fault
  if (parsed == nullptr) {
    return fail(Errc::usage,
                "database: the connection string is not understood; give keyword=value words, "
                "quoted where a value holds spaces, or postgresql://USER@HOST:PORT/DATABASE");
  }
  ConnectParameters out;
  for (const PQconninfoOption* o = parsed.get(); o->keyword != nullptr; ++o)
    if (o->val != nullptr) out.emplace_back(o->keyword, o->val);
  return out;
}

std::vector<ConnectParameters> by_host(const ConnectParameters& parameters) {
  const auto hosts = split(value_of(parameters, "host", "PGHOST"));
  const auto addresses = split(value_of(parameters, "hostaddr", "PGHOSTADDR"));
  const auto ports = split(value_of(parameters, "port", "PGPORT"));
  const std::size_t count = std::max(hosts.size(), addresses.size());
  const bool listed = count > 1 && (hosts.size() == count || hosts.front().empty()) &&
                      (addresses.size() == count || addresses.front().empty()) &&
                      (ports.size() == count || ports.size() == 1);
  // One host; or lists that do not fit each other, which libpq has the words for.
  if (!listed) return {parameters};
  std::vector<ConnectParameters> out(count, parameters);
  for (std::size_t i = 0; i < count; ++i) {
    const auto set = [&](const char* name, const std::vector<std::string>& list) {
      if (const std::string& value = list.size() == count ? list[i] : list.front(); !value.empty())
        out[i].emplace_back(name, value);
    };
    set("host", hosts);
    set("hostaddr", addresses);
    set("port", ports);
  }
  return out;
}

std::string with_database(const std::string& conninfo, std::string_view database) {
  auto parameters = parse_conninfo(conninfo);
  if (!parameters) return conninfo;
  parameters->emplace_back("dbname", database);
  std::string out;
  for (const auto& [name, value] : *parameters) {
    out += name + "='";
    for (const char c : value) {
      if (c == '\'' || c == '\\') out += '\\';
      out += c;
    }
    out += "' ";
  }
  return out;
}

bool names_postgres(std::string_view output) noexcept {
  return output == "postgres" || output.starts_with("postgres:") ||
         output.starts_with("postgresql://");
}

std::string conninfo_of(std::string_view output) {
  const bool uri = output.starts_with("postgres://") || output.starts_with("postgresql://");
  if (uri) return std::string{output};
  const std::size_t colon = output.find(':');
  return colon == std::string_view::npos ? std::string{} : std::string{output.substr(colon + 1)};
}

}  // namespace dpi
