// canonical_generate N SEED: N lines of canonical JSON with hostile names and strings, written by
// the product's own writer, for Python and jq to agree with
// (tests/contract/canonical_agreement.sh).
#include <cstdio>
#include <cstdlib>
#include <random>
#include <set>
#include <string>

#include "probe/envelope/canonical_writer.h"

namespace {

using namespace dpi;

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  std::string line() {
    std::string out;
    CanonicalWriter w(out);
    w.begin_object();
    w.key("envelope");
    object(w, 3);
    w.key("payload");
    object(w, 3);
    w.end_object();
    return out;
  }

 private:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  std::string name() {
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789_";
    std::string out(1, static_cast<char>('a' + static_cast<char>(below(26))));
    for (std::uint64_t n = below(12); n > 0; --n) out.push_back(letters[below(letters.size())]);
    return out;
  }
  ByteBuffer hostile() {
    constexpr std::string_view favourites = "\"\\%\x00\x01\x1f \x7f\x80\xff{}[],:/u";
    ByteBuffer out;
    for (std::uint64_t n = below(24); n > 0; --n) {
      out.push_back(below(2) == 0
                        ? static_cast<std::uint8_t>(below(256))
                        : static_cast<std::uint8_t>(favourites[below(favourites.size())]));
    }
    return out;
  }
  void value(CanonicalWriter& w, int depth) {
    switch (below(depth > 0 ? 8 : 6)) {
      case 0:
        return w.value(below(2) == 0);
      case 1:
        return w.value(random_() >> below(64));
      case 2:
        return w.value_signed(static_cast<std::int64_t>(random_()) >> below(64));
      case 3: {
        (void)w.value_pct(hostile(), 64);
        return;
      }
      case 4:
        return w.value(timestamp(static_cast<std::int64_t>(random_())));
      case 5: {
        IpAddress address;
        address.v6 = below(2) == 0;
        for (std::size_t i = 0; i < (address.v6 ? 16U : 4U); ++i)
          address.bytes[i] = static_cast<std::uint8_t>(below(3) == 0 ? below(256) : 0);
        return w.value(address);
      }
      case 6:
        return array(w, depth - 1);
      default:
        return object(w, depth - 1);
    }
  }
  void array(CanonicalWriter& w, int depth) {
    w.begin_array();
    for (std::uint64_t n = below(4); n > 0; --n) value(w, depth);
    w.end_array();
  }
  void object(CanonicalWriter& w, int depth) {
    std::set<std::string> names;
    for (std::uint64_t n = below(6); n > 0; --n) names.insert(name());
    w.begin_object();
    for (const std::string& n : names) {
      w.key(MemberName{n});
      value(w, depth);
    }
    w.end_object();
  }
  std::mt19937_64 random_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  Generator generator(std::strtoull(argv[2], nullptr, 10));
  for (long n = std::strtol(argv[1], nullptr, 10); n > 0; --n) {
    const std::string line = generator.line();
    if (!is_canonical_json(line)) {
      std::fprintf(stderr, "our own check refuses: %s\n", line.c_str());
      return 1;
    }
    std::printf("%s\n", line.c_str());
  }
  return 0;
}
