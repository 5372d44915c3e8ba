// The schema bundle that this probe was built with: the SQL files of schemas/, inside the binary.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "probe/audit/bundle_catalogue.h"
#include "probe/base/hex.h"

namespace dpi {

struct SchemaFile {
  std::string_view name;
  std::string_view sql;
};

// In the order in which they are applied.
[[nodiscard]] std::span<const SchemaFile> schema_files();
// As schemas/SCHEMA_BUNDLE.md states.
inline constexpr std::string_view schema_bundle_version = "1.2.0";

// migrations/: each is named FROM-to-TO.sql and takes a database from one version to
// another.
[[nodiscard]] std::span<const SchemaFile> migration_files();
// Those that take a database of that version to this bundle, in order; none for this version;
// nothing when no way leads here.
[[nodiscard]] std::optional<std::vector<SchemaFile>> migrations_from(std::string_view version);

// The bundle at which a migration begins, as the file itself states it before it changes anything.
struct ReleasedBundle {
  std::string_view version;
  Digest sha256{};
};
[[nodiscard]] std::optional<ReleasedBundle> start_of(const SchemaFile& migration);

// What it says of its tables.
[[nodiscard]] BundleCatalogue bundle_of_this_program();

// SHA-256 over the files one after another: `cat schemas/0*.sql | sha256sum`.
[[nodiscard]] Digest schema_bundle_sha256();

}  // namespace dpi
