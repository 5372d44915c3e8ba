// An output beside the chain's own: when it fails it is said once, and everything else goes on
// without it. What it then lacks the others have.
#pragma once

#include <functional>
#include <memory>

#include "probe/store/event_sink.h"

namespace dpi {

// `failed` is called once, from the thread that owns the sink. finish() gives the error again.
[[nodiscard]] std::unique_ptr<EventSink> beside(std::unique_ptr<EventSink> sink,
                                                std::function<void(const Error&)> failed);

}  // namespace dpi
