#include <algorithm>

#include "dissectors/http/http1.h"
#include "probe/metadata/stream_reader.h"

namespace dpi {
namespace {

// Of a longer line this much of its beginning counts, and enough of its end for a version.
constexpr std::size_t line_bytes_max = 8U << 10U;
constexpr std::size_t line_end_bytes = 16;
constexpr std::size_t largest_bytes = 256;  // of the readers below, themselves
constexpr std::uint16_t switching_protocols = 101;

bool has_control(std::string_view text) noexcept {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' && c != '\t' && c != '\r' && c != '\n';
  });
}

// The lines of a head, each once (RFC 9112 §2.2: a bare LF ends a line too). Neither a line nor the
// head has a longest length (RFC 9110 §5.4): what is longer than we keep is read over.
class HeadReader : public StreamReader {
 public:
  ReadState read(ByteStream& stream, AppMetadata& metadata, AnomalySet& found) override {
    while (true) {
      const std::string_view text = as_text(stream.readable());
      const std::size_t end = text.find('\n', scanned_);
      if (first_line_ && has_control(text.substr(scanned_, end - scanned_)))
        return ReadState::other;
      if (end == std::string_view::npos) {
        scanned_ = text.size();
        if (scanned_ > line_bytes_max) shorten(stream, text);
        return ReadState::more;
      }
      scanned_ = 0;
      std::string_view line = text.substr(0, end);
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (!beginning_.empty()) {
        beginning_ += line;
        line = beginning_;
      }
      const ReadState outcome = take(line, metadata, found);
      first_line_ = false;
      beginning_.clear();
      stream.consume(end + 1);
      if (outcome != ReadState::more) return outcome;
    }
  }
  [[nodiscard]] std::size_t memory_bytes() const noexcept override {
    return largest_bytes + beginning_.capacity();
  }

 protected:
  static ReadState fail(AnomalySet& found) {
    add(found, Anomaly::http_head_invalid);
    return ReadState::failed;
  }
  virtual ReadState take(std::string_view line, AppMetadata& metadata, AnomalySet& found) = 0;

 private:
  // All of a line without an end but its last bytes goes; its beginning is kept.
  void shorten(ByteStream& stream, std::string_view text) {
    if (beginning_.empty()) beginning_ = text.substr(0, line_bytes_max / 2);
    stream.consume(text.size() - line_end_bytes);
    scanned_ = line_end_bytes;
  }

  bool first_line_ = true;
  std::size_t scanned_ = 0;  // of the line being looked for, without a line end
  std::string beginning_;    // of a line that is too long
};

class RequestReader final : public HeadReader {
 protected:
  ReadState take(std::string_view line, AppMetadata& metadata, AnomalySet& found) override {
    if (!begun_) {
      const auto request = parse_http_request_line(line);
      if (!request) return ReadState::other;  // a protocol that begins with a word too
      begun_ = true;
      take_target(*request, metadata);
      keep_text(metadata.http_method, as_bytes(request->method), metadata_limit::http_method);
      keep_text(metadata.http_url, as_bytes(request->target), metadata_limit::http_url);
      return ReadState::more;
    }
    if (line.empty()) return ReadState::done;
    if (line[0] == ' ' || line[0] == '\t') {
      unfold(line, metadata);
      return ReadState::more;
    }
    kept_ = nullptr;
    const auto field = parse_http_field(line);
    if (!field) return fail(found);
    if (!has_host_ && same_name(field->name, "host")) {
      has_host_ = true;
      keep(metadata, &AppMetadata::server_name, field->value, metadata_limit::server_name);
    } else if (!has_agent_ && same_name(field->name, "user-agent")) {
      has_agent_ = true;
      keep(metadata, &AppMetadata::http_user_agent, field->value, metadata_limit::http_user_agent);
    }
    return ReadState::more;
  }

 private:
  // RFC 9112 §3.2.2: the host of an absolute target counts, whatever the field says; a CONNECT's
  // field says the same as its target.
  void take_target(const HttpRequestLine& request, AppMetadata& metadata) {
    const std::string_view host = http_target_authority(request);
    if (host.empty()) return;
    has_host_ = request.method != "CONNECT";
    keep_text(metadata.server_name, as_bytes(host), metadata_limit::server_name);
  }

  using Text = std::string AppMetadata::*;

  void keep(AppMetadata& metadata, Text to, std::string_view value, std::size_t limit) {
    keep_text(metadata.*to, as_bytes(value), limit);
    kept_ = to;
    kept_limit_ = limit;
  }
  // RFC 9112 §5.2: a line that begins with white space goes on with the field before it.
  void unfold(std::string_view line, AppMetadata& metadata) {
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    line = line.substr(0, line.find_last_not_of(" \t") + 1);
    if (kept_ == nullptr || line.empty()) return;
    std::string whole = metadata.*kept_;
    if (!whole.empty()) whole += ' ';
    whole += line;
    keep_text(metadata.*kept_, as_bytes(whole), kept_limit_);
  }

  Text kept_ = nullptr;  // the field of the line before, when it is one to keep
  std::size_t kept_limit_ = 0;
  bool begun_ = false;
  bool has_host_ = false;
  bool has_agent_ = false;
};

class ResponseReader final : public HeadReader {
 public:
  // Behind the head of a change to HTTP/2 (RFC 7540 §3.2) the response comes in frames.
  ReadState read(ByteStream& stream, AppMetadata& metadata, AnomalySet& found) override {
    if (!frames_) {
      const ReadState outcome = HeadReader::read(stream, metadata, found);
      if (!frames_) return outcome;
    }
    return frames_->read(stream, metadata, found);
  }
  [[nodiscard]] std::size_t memory_bytes() const noexcept override {
    return HeadReader::memory_bytes() + (frames_ ? frames_->memory_bytes() : 0);
  }

 protected:
  ReadState take(std::string_view line, AppMetadata& metadata, AnomalySet& /*found*/) override {
    if (in_head_) return take_field(line);
    if (line.empty() && status_ != 0) return ReadState::more;  // RFC 9112 §2.2
    const auto status = parse_http_status_line(line);
    if (!status) return ReadState::other;
    status_ = *status;
    // RFC 9110 §15.2: interim responses precede the one that counts.
    in_head_ = status_ < 200;
    if (!in_head_ || status_ == switching_protocols) metadata.http_status = status_;
    return in_head_ ? ReadState::more : ReadState::done;
  }

 private:
  ReadState take_field(std::string_view line) {
    if (!line.empty()) {
      const auto field = parse_http_field(line);
      if (field && same_name(field->name, "upgrade")) to_http2_ = same_name(field->value, "h2c");
      return ReadState::more;
    }
    in_head_ = false;
    if (status_ != switching_protocols) return ReadState::more;
    if (to_http2_) frames_ = make_http2_reader(false);
    return ReadState::done;
  }

  std::uint16_t status_ = 0;  // of the last status line
  bool in_head_ = false;
  bool to_http2_ = false;
  std::unique_ptr<StreamReader> frames_;
};

static_assert(sizeof(RequestReader) <= largest_bytes && sizeof(ResponseReader) <= largest_bytes);

}  // namespace

std::unique_ptr<StreamReader> make_http1_request_reader() {
  return std::make_unique<RequestReader>();
}

std::unique_ptr<StreamReader> make_http1_response_reader() {
  return std::make_unique<ResponseReader>();
}

}  // namespace dpi
