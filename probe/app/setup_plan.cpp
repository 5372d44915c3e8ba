#include "probe/app/setup_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "probe/store/conninfo.h"

namespace dpi {
namespace {

bool is_plain(const std::string& name, std::string_view more) {
  return !name.empty() && name.size() < 64 && name.front() != '-' &&
         std::all_of(name.begin(), name.end(), [more](unsigned char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  more.find(static_cast<char>(c)) != std::string_view::npos;
         });
}

std::string login(const std::string& role) {
  return fmt::format(
      "do $$ begin if not exists (select from pg_roles where rolname = '{0}') then create role "
      "\"{0}\" login; end if; end $$",
      role);
}

// Keyword and value as libpq reads them; for a value that may hold anything.
std::string assignment(const std::string& name, const std::string& value) {
  std::string quoted;
  for (const char c : value) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  const bool plain = !value.empty() && value.find_first_of(" '\\\"") == std::string::npos;
  return plain ? fmt::format("{}={}", name, value) : fmt::format("{}='{}'", name, quoted);
}

// Where the database is, for the probe's own login: no password, no other login.
std::string probe_conninfo(const SetupOptions& options) {
  std::string out;
  const auto parameters = parse_conninfo(options.conninfo);
  bool named = false;
  for (const auto& [name, value] : parameters.value_or(ConnectParameters{})) {
    constexpr std::array where{"host", "hostaddr", "port", "dbname"};
    if (std::find(where.begin(), where.end(), name) == where.end()) continue;
    named = named || name == "dbname";
    out += assignment(name, value) + " ";
  }
  if (!named) out += "dbname=ransomeye ";
  return out + assignment("user", options.role);
}

// A TOML basic string of what holds no control character.
std::string toml_string(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return "\"" + out + "\"";
}

}  // namespace

std::vector<std::string> setup_statements(const SetupOptions& options) {
  std::vector<std::string> out;
  out.push_back(login(options.role));
  out.push_back(fmt::format("grant re_probe to \"{}\"", options.role));
  out.push_back(fmt::format("select re_core.create_tenant('{}')", options.tenant));
  if (options.reader.empty()) return out;
  out.push_back(login(options.reader));
  out.push_back(fmt::format("grant re_soc to \"{}\"", options.reader));
  out.push_back(
      fmt::format("select re_core.enrol_reader('{}', '{}')", options.reader, options.tenant));
  return out;
}

std::string setup_config(const SetupOptions& options, const std::string& instance) {
  std::string interfaces;
  for (const std::string& name : options.interfaces)
    interfaces += (interfaces.empty() ? "" : " ") + name;
  return fmt::format(
      "# Made by `ransomeye-dpi setup`; `ransomeye-dpi config show` lists every key.\n"
      "[probe]\ninstance = {}\n\n[capture]\ninterfaces = {}\n\n[database]\nconninfo = {}\n",
      toml_string(instance), toml_string(interfaces), toml_string(probe_conninfo(options)));
}

Result<std::string> setup_database(const std::string& conninfo) {
  const auto parameters = parse_conninfo(conninfo);
  if (!parameters) return tl::unexpected(parameters.error());
  std::string out = "ransomeye";
  for (const auto& [name, value] : *parameters) {
    if (name == "dbname" && !value.empty()) out = value;
  }
  return out;
}

Result<void> check_setup_names(const SetupOptions& options) {
  if (!is_plain(options.name, "-_.") || options.name.starts_with('.'))
    return fail(Errc::usage, "the sensor's name is one of a file and a unit: a-z 0-9 - _ .");
  for (const std::string* const name : {&options.role, &options.tenant}) {
    if (!is_plain(*name, "-_"))
      return fail(Errc::usage, fmt::format("{}: must be of a-z 0-9 - _", *name));
  }
  if (!options.reader.empty() && !is_plain(options.reader, "-_"))
    return fail(Errc::usage, fmt::format("{}: must be of a-z 0-9 - _", options.reader));
  if (options.interfaces.empty())
    return fail(Errc::usage, "-i: name an interface; `ransomeye-dpi interfaces` lists them");
  return {};
}

}  // namespace dpi
