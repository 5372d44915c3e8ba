#include "dissectors/ssh/ssh.h"
#include "probe/base/byte_cursor.h"
#include "probe/crypto/digest.h"
#include "probe/metadata/stream_reader.h"

namespace dpi {
namespace {

// Messages that say nothing, in front of KEXINIT.
constexpr int passed_over_max = 16;

class SshReader final : public StreamReader {
 public:
  explicit SshReader(Side sender) noexcept : sender_(sender) {}

  ReadState read(ByteStream& stream, AppMetadata& metadata, AnomalySet& found) override {
    SshSide& side = metadata.ssh[index(sender_)];
    if (!identified_) {
      const ReadState outcome = read_identification(stream, side, found);
      if (outcome != ReadState::done) return outcome;
      identified_ = true;
    }
    while (true) {
      ByteCursor in(stream.readable());
      const std::size_t length = in.be32();
      if (!in.ok()) return ReadState::more;
      if (length > ssh_packet_bytes_max) return fail(found, Anomaly::ssh_message_too_long);
      const Bytes packet = in.take(length);
      if (!in.ok()) return ReadState::more;
      const SshMessage message = ssh_message_of(packet);
      if (message == SshMessage::disconnect) return ReadState::done;
      if (message == SshMessage::other) return read_kexinit(packet, side, found);
      if (++passed_over_ > passed_over_max) return fail(found, Anomaly::ssh_message_too_long);
      stream.consume(in.position());
    }
  }
  [[nodiscard]] std::size_t memory_bytes() const noexcept override { return sizeof *this; }

 private:
  static ReadState fail(AnomalySet& found, Anomaly why = Anomaly::ssh_message_invalid) {
    add(found, why);
    return ReadState::failed;
  }

  static ReadState read_kexinit(Bytes packet, SshSide& side, AnomalySet& found) {
    const auto kexinit = parse_ssh_kexinit(packet);
    if (!kexinit) return fail(found);
    side.hassh = hex(md5(as_bytes(kexinit->client_to_server)));
    side.hassh_server = hex(md5(as_bytes(kexinit->server_to_client)));
    return ReadState::done;
  }

  // RFC 4253 §4.2; old versions end the line with LF alone.
  static ReadState read_identification(ByteStream& stream, SshSide& side, AnomalySet& found) {
    const std::string_view text = as_text(stream.readable());
    const std::size_t end = text.substr(0, ssh_identification_bytes_max).find('\n');
    if (end == std::string_view::npos)
      return text.size() < ssh_identification_bytes_max ? ReadState::more : fail(found);
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    keep_text(side.banner, as_bytes(line), metadata_limit::ssh_banner);
    stream.consume(end + 1);
    // Version 1 goes on with other messages (1.99 speaks both).
    return line.starts_with("SSH-2.") || line.starts_with("SSH-1.99") ? ReadState::done
                                                                      : ReadState::failed;
  }

  Side sender_;
  bool identified_ = false;
  int passed_over_ = 0;
};

}  // namespace

std::unique_ptr<StreamReader> make_ssh_reader(Side sender) {
  return std::make_unique<SshReader>(sender);
}

}  // namespace dpi
