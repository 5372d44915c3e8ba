// A proof that parses has exactly the form that is written, and none but the honest one proves the
// event: only signature lines of keys that nobody trusts may differ.
#include <cstddef>
#include <cstdint>
#include <string>

#include "probe/base/bytes.h"
#include "probe/base/check.h"
#include "probe/envelope/event_proof.h"
#include "tests/support/honest_chain.h"

namespace {

// Event 2 of eight, whose proof is among the seeds.
dpi::EventProver::Found honest() {
  dpi::EventProver prover(std::uint64_t{2});
  dpi::ChainVerifier verifier;
  verifier.prove(prover);
  for (const dpi::ChainLine& line : dpi::honest_chain())
    DPI_CHECK(dpi::add_line(verifier, line).has_value());
  DPI_CHECK(prover.found() != nullptr);
  return *prover.found();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const dpi::EventProver::Found event = honest();
  static const std::vector<dpi::PublicKey> trusted{dpi::chain_key(1).public_key()};
  const std::string_view text = dpi::as_text({data, size});
  const auto proof = dpi::parse_event_proof(text);
  if (!proof) return 0;
  DPI_CHECK(dpi::write_event_proof(*proof) == text);
  const auto proven = dpi::verify_event(event.envelope, event.payload, *proof, trusted);
  if (!proven) return 0;
  DPI_CHECK(proof->index == event.proof.index && proof->path == event.proof.path);
  DPI_CHECK(dpi::parse_checkpoint(proof->note)->body ==
            dpi::parse_checkpoint(event.proof.note)->body);
  return 0;
}
