// A sink that is a Kafka topic: each event one message, its key the chain, so that a chain is in
// order in one partition. An event is safe when the brokers have said so (a delivery report of an
// idempotent producer with acks from all replicas in sync).
#pragma once

#include <memory>
#include <string>

#include "probe/base/hex.h"
#include "probe/store/followed_sink.h"
#include "probe/store/receiver.h"
#include "probe/store/receiver_connection.h"

namespace dpi {

// Hosts are the brokers to ask first, the name is the topic. Connects with the first event;
// `patience` outlives it. Of the limits, the stall counts.
[[nodiscard]] std::unique_ptr<FollowedSink> open_kafka_sink(Receiver receiver, const Uuid& instance,
                                                            const Patience& patience,
                                                            const ConnectionLimits& limits = {});

// Letters, digits, ".", "_" and "-", at most 249, and not "." or "..".
[[nodiscard]] bool is_kafka_topic(std::string_view name) noexcept;

}  // namespace dpi
