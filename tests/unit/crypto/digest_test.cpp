#include "probe/crypto/digest.h"

#include <gtest/gtest.h>

namespace dpi {
namespace {

TEST(DigestTest, MatchesPublishedVectors) {
  EXPECT_EQ(hex(sha256({as_bytes("abc")})),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha256({as_bytes("a"), as_bytes("bc")})), hex(sha256({as_bytes("abc")})));
  EXPECT_EQ(hex(sha1(as_bytes("abc"))), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex(md5(as_bytes("abc"))), "900150983cd24fb0d6963f7d28e17f72");
}

// RFC 5869 appendix A.3: no salt, no info; the first 32 of its 42 bytes.
TEST(DigestTest, DerivesKeysAsRfc5869) {
  const ByteBuffer key_material(22, 0x0b);
  EXPECT_EQ(hex(hkdf_sha256(key_material, {})),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
}

TEST(DigestTest, HasherStartsAnewAfterFinish) {
  Sha256 hasher;
  hasher.update(as_bytes("x"));
  (void)hasher.finish();
  hasher.update(as_bytes("abc"));
  EXPECT_EQ(hasher.finish(), sha256({as_bytes("abc")}));
}

TEST(RandomTest, UuidsAreVersion4AndDiffer) {
  const Uuid a = random_uuid();
  EXPECT_EQ(a[6] >> 4U, 4);
  EXPECT_EQ(a[8] >> 6U, 2);
  EXPECT_NE(a, random_uuid());
}

}  // namespace
}  // namespace dpi
