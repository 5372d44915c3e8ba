#include "probe/app/schema_bundle.h"

#include "probe/crypto/digest.h"

namespace dpi {

Digest schema_bundle_sha256() {
  Sha256 hasher;
  for (const SchemaFile& file : schema_files()) hasher.update(as_bytes(file.sql));
  return hasher.finish();
}

}  // namespace dpi
