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

Digest schema_bundle_sha256() {
  Sha256 hasher;
  for (const SchemaFile& file : schema_files()) hasher.update(as_bytes(file.sql));
  return hasher.finish();
}

}  // namespace dpi
