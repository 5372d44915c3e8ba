// A sink that sends events to a receiver. Protocols without acknowledgements of their own: an event
// counts as safe when the receiver's TCP has acknowledged it, some time has passed since and the
// connection still stands, or when the receiver has closed it behind the last event. After anything
// else the events that are not safe are sent again.
#pragma once

#include <memory>

#include "probe/store/followed_sink.h"
#include "probe/store/message_format.h"
#include "probe/store/receiver.h"
#include "probe/store/receiver_connection.h"

namespace dpi {

// Connects when the first message is sent. `patience` outlives it.
[[nodiscard]] std::unique_ptr<FollowedSink> open_network_sink(Receiver receiver,
                                                              std::unique_ptr<MessageFormat> format,
                                                              const Patience& patience,
                                                              const ConnectionLimits& limits = {});

}  // namespace dpi
