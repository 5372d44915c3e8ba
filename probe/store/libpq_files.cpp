#include "probe/store/libpq_files.h"

#include <libpq-fe.h>

#include <cstdlib>
#include <memory>
#include <string_view>

namespace dpi {

std::vector<std::filesystem::path> libpq_files(const std::string& conninfo) {
  std::vector<std::filesystem::path> out;
  if (const char* const home = std::getenv("HOME"); home != nullptr && *home == '/') {
    for (const char* const name : {".pgpass", ".pg_service.conf", ".postgresql"})
      out.push_back(std::filesystem::path{home} / name);
  }
  for (const char* const name : {"PGPASSFILE", "PGSERVICEFILE", "PGSYSCONFDIR", "PGSSLCERT",
                                 "PGSSLKEY", "PGSSLROOTCERT", "PGSSLCRL", "PGSSLCRLDIR"}) {
    const char* const value = std::getenv(name);
    if (value != nullptr && *value == '/') out.emplace_back(value);
  }
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> parsed(
      PQconninfoParse(conninfo.c_str(), nullptr), &PQconninfoFree);
  // What cannot be parsed, the first connect complains of.
  for (const PQconninfoOption* o = parsed.get(); o != nullptr && o->keyword != nullptr; ++o) {
    const std::string_view keyword = o->keyword;
    const bool file = keyword == "passfile" || keyword.starts_with("ssl");
    if (file && o->val != nullptr && *o->val == '/') out.emplace_back(o->val);
  }
  return out;
}

}  // namespace dpi
