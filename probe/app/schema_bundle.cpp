#include "probe/app/schema_bundle.h"

#include <algorithm>
#include <string>

#include "probe/crypto/digest.h"

namespace dpi {

std::optional<std::vector<SchemaFile>> migrations_from(std::string_view version) {
  const auto files = migration_files();
  std::vector<SchemaFile> out;
  while (version != schema_bundle_version) {
    const std::string begins = std::string{version} + "-to-";
    const auto next = std::ranges::find_if(
        files, [&](const SchemaFile& file) { return file.name.starts_with(begins); });
    if (next == files.end() || out.size() == files.size()) return std::nullopt;
    out.push_back(*next);
    version = next->name;
    version.remove_prefix(begins.size());
    version.remove_suffix(std::string_view{".sql"}.size());
  }
  return out;
}

std::optional<ReleasedBundle> start_of(const SchemaFile& migration) {
  const std::string_view version = migration.name.substr(0, migration.name.find("-to-"));
  const std::string stated = "'" + std::string{version} + " ";
  const std::size_t at = migration.sql.find(stated);
  if (at == std::string_view::npos) return std::nullopt;
  const auto sha256 = parse_digest(migration.sql.substr(at + stated.size(), 2 * sizeof(Digest)));
  if (!sha256) return std::nullopt;
  return ReleasedBundle{version, *sha256};
}

Digest schema_bundle_sha256() {
  Sha256 hasher;
  for (const SchemaFile& file : schema_files()) hasher.update(as_bytes(file.sql));
  return hasher.finish();
}

BundleCatalogue bundle_of_this_program() {
  std::vector<std::string_view> files;
  for (const SchemaFile& file : schema_files()) files.push_back(file.sql);
  return BundleCatalogue(files);
}

}  // namespace dpi
