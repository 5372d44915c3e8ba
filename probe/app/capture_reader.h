// One capture of a replay, read a batch ahead, so that the time of each packet can be settled by
// those behind it.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "capture/packet_source.h"
#include "probe/app/capture_faults.h"
#include "probe/app/capture_inputs.h"
#include "probe/app/settled_times.h"
#include "probe/base/file_descriptor.h"

namespace dpi {

class CaptureReader {
 public:
  // Errc::input as open_file_source says it.
  [[nodiscard]] static Result<CaptureReader> open(const CaptureInput& input,
                                                  std::size_t batch_packets);

  // Goes on to the next batch; false at the end. The one before must have been taken. An error
  // comes after all packets before it.
  [[nodiscard]] Result<bool> next_batch();

  [[nodiscard]] bool at_batch_end() const noexcept { return at_ == current_.size(); }
  // The packet to be processed next, with the time it has now; not at a batch's end.
  [[nodiscard]] const RawPacket& packet() const noexcept { return current_.packets()[at_]; }
  [[nodiscard]] const SettledTime& time() const noexcept { return times_[at_]; }
  // The same with that time, and its place in the capture.
  [[nodiscard]] RawPacket settled_packet() const noexcept {
    RawPacket out = packet();
    out.time = time().time;
    out.time_odd = time().odd;
    out.frame = position();
    return out;
  }
  void advance() noexcept {
    ++at_;
    ++position_;
  }
  // Of the packet, from 1.
  [[nodiscard]] std::uint64_t position() const noexcept { return position_ + 1; }
  // At a batch's end: its bytes are no longer needed.
  void drop_batch() noexcept {
    at_ = 0;
    current_.clear();
  }

  // At its end: `whole` unless next_batch() gave an error.
  [[nodiscard]] CaptureFaults faults(bool whole) const {
    return {.name = input_->name,
            .cut = source_->stats().cut_records > 0,
            .damaged = !whole,
            .grew = input_->has_grown(),
            .links = links_};
  }

  [[nodiscard]] const CaptureInput& input() const noexcept { return *input_; }
  // Bytes of the file that were read, compressed or not: how far one is in it.
  [[nodiscard]] std::uint64_t file_position() const noexcept;
  [[nodiscard]] const PacketSource& source() const noexcept { return *source_; }

 private:
  CaptureReader(const CaptureInput& input, FileDescriptor file,
                std::unique_ptr<PacketSource> source, std::size_t batch_packets)
      : input_(&input),
        file_(std::move(file)),
        source_(std::move(source)),
        batch_packets_(batch_packets) {}
  void read_ahead();

  const CaptureInput* input_;
  FileDescriptor file_;  // shares its position with the source's
  std::unique_ptr<PacketSource> source_;
  std::size_t batch_packets_;
  Batch current_;
  std::deque<Batch> ahead_;
  std::vector<RawPacket> behind_;  // the first of them
  std::size_t at_ = 0;
  std::uint64_t position_ = 0;
  std::vector<SettledTime> times_;
  TimeSettler settler_;
  LinkCensus links_;
  Error error_;  // what ended it, if it says something
  bool ended_ = false;
};

}  // namespace dpi
