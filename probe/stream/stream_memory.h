// How many bytes all streams of one lane may hold together, and who has to go when it is full: the
// oldest stream of the client that holds most, so that one who fills it (with hellos sent by half)
// evicts himself. One thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "probe/base/holders.h"

namespace dpi {

class StreamMemory {
 public:
  // A stream. It keeps its place for as long as it holds bytes.
  class Stream {
   public:
    Stream() = default;
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    virtual ~Stream() = default;

   private:
    friend class StreamMemory;
    // Its bytes are given back already: it forgets them.
    virtual void evicted() noexcept = 0;

    friend class Holders<Stream>;
    Holders<Stream>::Place held;  // as Holders calls it
    std::uint64_t flow_ = 0;
  };

  explicit StreamMemory(std::size_t bytes_max, HashSeed seed = {})
      : bytes_max_(bytes_max), holders_(seed, std::min(fair_bytes, bytes_max / 64)) {}
  StreamMemory(const StreamMemory&) = delete;
  StreamMemory& operator=(const StreamMemory&) = delete;
  ~StreamMemory() = default;

  // Whose packet is looked at: what is taken from now on is that client's, and no stream of that
  // flow (a number that is its own) is evicted meanwhile, for somebody reads in them.
  void serve(const IpAddress& client, std::uint64_t flow) noexcept {
    client_ = client;
    flow_ = flow;
  }

  // False: there is no room, even without others.
  [[nodiscard]] bool take(Stream& stream, std::size_t bytes) {
    if (bytes > bytes_max_) return false;
    while (bytes > bytes_max_ - used()) {
      Stream* const oldest = holders_.oldest_of_largest();
      if (oldest == nullptr || oldest->flow_ == flow_) return false;
      holders_.remove(*oldest);
      oldest->evicted();
    }
    if (stream.held.holder == nullptr) {
      stream.flow_ = flow_;
      holders_.add(client_, stream, bytes);
    } else {
      holders_.resize(stream, stream.held.amount + bytes);
    }
    return true;
  }
  void give_back(Stream& stream, std::size_t bytes) {
    if (bytes == 0) return;
    const std::size_t left = stream.held.amount - bytes;
    if (left > 0) {
      holders_.resize(stream, left);
    } else {
      holders_.remove(stream);
    }
  }
  [[nodiscard]] static std::size_t held(const Stream& stream) noexcept {
    return stream.held.amount;
  }
  [[nodiscard]] std::size_t used() const noexcept { return holders_.total(); }

 private:
  // A hello, half a chain of certificates.
  static constexpr std::size_t fair_bytes = 4096;

  std::size_t bytes_max_;
  Holders<Stream> holders_;
  IpAddress client_{};
  std::uint64_t flow_ = 0;
};

}  // namespace dpi
