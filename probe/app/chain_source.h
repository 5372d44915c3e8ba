// Where `verify` finds a chain: each source feeds a ChainVerifier in sequence order.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "probe/base/result.h"
#include "probe/envelope/chain_verifier.h"

namespace dpi {

// Called with every checkpoint that held, so that a kept one can be compared.
using NoteObserver = std::function<Result<void>(std::string_view note)>;

// A JSON lines file, or "-". With `first_seq` it is the part of a chain that begins there, as
// behind a rotation: links and signatures are checked, the root needs what was before.
[[nodiscard]] Result<ChainReport> verify_jsonl(const std::string& path, ChainVerifier& verifier,
                                               const NoteObserver& observe,
                                               std::optional<std::uint64_t> first_seq);
[[nodiscard]] Result<ChainReport> verify_spool(const std::string& folder, ChainVerifier& verifier,
                                               const NoteObserver& observe);
}  // namespace dpi
