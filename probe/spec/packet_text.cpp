// The one-line language of packets: `15ms  ipv4 192.0.2.1>192.0.2.2 / tcp 80>4000 SYN ACK |
// snap=60`.
#include <algorithm>
#include <charconv>

#include "probe/spec/recipe.h"

namespace dpi::spec {
namespace {

constexpr std::size_t lines_max = 100'000;
#ifdef DPI_SMALL_BUFFERS  // fuzz builds: more of the same packet is slow and shows nothing new
constexpr std::size_t packets_max = 100;
#else
constexpr std::size_t packets_max = 100'000;
#endif
constexpr std::size_t tokens_max = 4096;  // of one packet
constexpr std::size_t token_bytes_max = 256U << 10U;
constexpr int names_depth_max = 4;

struct Token {
  std::string text;       // with quotes undone
  std::size_t plain = 0;  // bytes before the first quote; text.size() when there is none
  bool quoted = false;
  Place place;
};

using Names = std::vector<std::pair<std::string, std::string>>;

std::optional<std::uint8_t> hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
  return std::nullopt;
}

// Cuts one line into tokens, names put in.
class Tokens {
 public:
  Tokens(const Names& names, std::vector<Token>& out) : names_(names), out_(out) {}

  Result<void> add(std::string_view line, const Place& start, int depth = 0) {
    std::size_t at = 0;
    while (at < line.size()) {
      if (line[at] == ' ' || line[at] == '\t') {
        ++at;
        continue;
      }
      if (line[at] == '#') return {};
      Token token;
      token.place = start;
      if (depth == 0) token.place.column += static_cast<std::uint32_t>(at);
      if (auto read = read_token(line, at, token); !read) return read;
      if (!token.quoted && token.text.starts_with('$')) {
        if (auto named = put_name(token, depth); !named) return named;
        continue;
      }
      if (out_.size() == tokens_max) return wrong(token.place, "a packet of more than 4096 words");
      out_.push_back(std::move(token));
    }
    return {};
  }

 private:
  static Result<void> read_token(std::string_view line, std::size_t& at, Token& token) {
    while (at < line.size() && line[at] != ' ' && line[at] != '\t') {
      if (token.text.size() > token_bytes_max) return wrong(token.place, "this word is too long");
      if (line[at] != '"') {
        token.text.push_back(line[at++]);
        if (!token.quoted) token.plain = token.text.size();
        continue;
      }
      token.quoted = true;
      ++at;
      while (at < line.size() && line[at] != '"') {
        if (auto taken = read_character(line, at, token); !taken) return taken;
      }
      if (at == line.size()) return wrong(token.place, "the quote is never closed; add \"");
      ++at;
    }
    return {};
  }
  static Result<void> read_character(std::string_view line, std::size_t& at, Token& token) {
    const char c = line[at++];
    if (c != '\\') {
      token.text.push_back(c);
      return {};
    }
    const char escape = at < line.size() ? line[at++] : '\0';
    switch (escape) {
      case 'n':
        token.text.push_back('\n');
        return {};
      case 'r':
        token.text.push_back('\r');
        return {};
      case 't':
        token.text.push_back('\t');
        return {};
      case '"':
      case '\\':
        token.text.push_back(escape);
        return {};
      case 'x': {
        const auto high = at < line.size() ? hex_digit(line[at]) : std::nullopt;
        const auto low = at + 1 < line.size() ? hex_digit(line[at + 1]) : std::nullopt;
        if (!high || !low) return wrong(token.place, "\\x needs two hexadecimal digits");
        token.text.push_back(static_cast<char>(*high << 4U | *low));
        at += 2;
        return {};
      }
      default:
        return wrong(token.place, R"(unknown escape; \n \r \t \" \\ and \xHH are known)");
    }
  }
  Result<void> put_name(const Token& token, int depth) {
    const std::string name = token.text.substr(1);
    const auto found = std::find_if(names_.begin(), names_.end(),
                                    [&](const auto& entry) { return entry.first == name; });
    if (found == names_.end()) {
      return wrong(token.place, "unknown name $" + name + "; define it in [names]");
    }
    if (depth == names_depth_max) return wrong(token.place, "names within names are too deep");
    return add(found->second, token.place, depth + 1);
  }

  const Names& names_;
  std::vector<Token>& out_;
};

// key=value, A>B, word or "text" → arguments of the layer.
void add_argument(LayerText& layer, Token token) {
  const std::string plain = token.text.substr(0, token.plain);
  const std::size_t equals = plain.find('=');
  const std::size_t arrow = plain.find('>');
  if (equals != std::string::npos) {
    layer.arguments.push_back(
        {plain.substr(0, equals), token.text.substr(equals + 1), false, std::move(token.place)});
  } else if (token.quoted) {
    layer.arguments.push_back({"", std::move(token.text), false, std::move(token.place)});
  } else if (arrow != std::string::npos) {
    layer.arguments.push_back({"src", plain.substr(0, arrow), false, token.place});
    layer.arguments.push_back({"dst", plain.substr(arrow + 1), false, std::move(token.place)});
  } else {
    layer.arguments.push_back({plain, "", true, std::move(token.place)});
  }
}

Result<PacketText> packet_of(std::vector<Token> tokens, std::int64_t before_ns) {
  PacketText packet;
  packet.place = tokens[0].place;
  packet.directive = tokens[0].text == "file";
  if (!packet.directive) {
    std::string_view text = tokens[0].text;
    const bool later = text.starts_with('+');
    const auto at = parse_duration(later ? text.substr(1) : text);
    if (!at || tokens[0].quoted) {
      return wrong(packet.place,
                   "a packet begins with its time (0, 15ms, 1.5s, +2us) or with `file`, not with " +
                       tokens[0].text);
    }
    packet.at_ns = later ? before_ns + *at : *at;
  } else {
    packet.at_ns = before_ns;
  }
  LayerText* layer = nullptr;
  bool options = false;
  for (std::size_t i = 1; i < tokens.size(); ++i) {
    Token& token = tokens[i];
    if (!token.quoted && token.text == "/" && !options) {
      if (layer == nullptr) return wrong(token.place, "a layer is missing in front of /");
      layer = nullptr;
    } else if (!token.quoted && token.text == "|" && !options) {
      options = true;
      layer = &packet.options;
    } else if (layer == nullptr) {
      packet.layers.push_back({token.text, {}, token.place});
      layer = &packet.layers.back();
    } else {
      add_argument(*layer, std::move(token));
    }
  }
  if (layer == nullptr) return wrong(packet.place, "a layer is missing behind the last /");
  if (packet.layers.empty() || (packet.directive && packet.layers.size() != 1)) {
    return wrong(packet.place, packet.directive ? "`file` takes one directive" : "no layer at all");
  }
  return packet;
}

// Every {n} becomes the number of the repetition.
std::string numbered(std::string_view line, std::uint64_t n) {
  std::string out;
  for (std::size_t at = 0; at < line.size();) {
    if (line.substr(at).starts_with("{n}")) {
      out += std::to_string(n);
      at += 3;
    } else {
      out.push_back(line[at++]);
    }
  }
  return out;
}

class Lines {
 public:
  Lines(const Names& names, const Place& first) : names_(names), first_(first) {}

  // An indented line goes on with the one before.
  Result<void> read(std::string_view text) {
    std::uint32_t number = 0;
    while (!text.empty()) {
      if (number == lines_max) return wrong(first_, "more than 100,000 lines");
      const std::size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      const std::size_t begin = line.find_first_not_of(" \t\r");
      const bool blank = begin == std::string_view::npos || line[begin] == '#';
      const bool goes_on = !blank && begin > 0;
      if (!blank && !goes_on) {
        if (auto done = flush(); !done) return done;
      }
      if (!blank) pieces_.push_back({std::string{line}, first_.line + number});
      ++number;
      text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    }
    return flush();
  }
  [[nodiscard]] std::vector<PacketText> take() { return std::move(packets_); }

 private:
  struct Piece {
    std::string line;
    std::uint32_t number = 0;
  };

  Result<PacketText> build(std::uint64_t n) {
    std::vector<Token> tokens;
    for (const Piece& piece : pieces_) {
      const std::string line = numbered(piece.line, n);
      auto added = Tokens{names_, tokens}.add(line, {first_.file, piece.number, 1});
      if (!added) return tl::unexpected(added.error());
    }
    if (tokens.empty()) return wrong({first_.file, pieces_[0].number, 1}, "nothing on this line");
    return packet_of(std::move(tokens), before_ns_);
  }
  Result<void> flush() {
    if (pieces_.empty()) return {};
    std::uint64_t times = 1;
    std::int64_t every = 0;
    for (std::uint64_t n = 0; n < times; ++n) {
      auto packet = build(n);
      if (!packet) return tl::unexpected(packet.error());
      if (n == 0) {
        if (auto told = repetition(packet->options, times, every); !told) return told;
        first_ns_ = packet->at_ns;
      }
      if (packets_.size() == packets_max) {
        return wrong(packet->place,
                     "more than " + std::to_string(packets_max) + " packets in one recipe");
      }
      packet->at_ns = first_ns_ + every * static_cast<std::int64_t>(n);
      before_ns_ = packet->at_ns;
      packets_.push_back(std::move(*packet));
    }
    pieces_.clear();
    return {};
  }
  static Result<void> repetition(const LayerText& options, std::uint64_t& times,
                                 std::int64_t& every) {
    if (const Argument* const repeat = options.find("repeat")) {
      const auto number = parse_number(repeat->value);
      if (!number || *number == 0 || *number > packets_max)
        return wrong(repeat->place, "repeat must be from 1 to " + std::to_string(packets_max));
      times = *number;
    }
    if (const Argument* const step = options.find("every")) {
      const auto duration = parse_duration(step->value);
      constexpr std::int64_t day = 86'400'000'000'000;
      if (!duration || *duration > day || *duration < -day)
        return wrong(step->place, "every must be a time such as 10ms");
      every = *duration;
    }
    return {};
  }

  const Names& names_;
  const Place& first_;
  std::vector<Piece> pieces_;
  std::vector<PacketText> packets_;
  std::int64_t before_ns_ = 0;
  std::int64_t first_ns_ = 0;
};

}  // namespace

tl::unexpected<Error> wrong(const Place& place, const std::string& what) {
  return fail(Errc::usage, place.file + ":" + std::to_string(place.line) + ":" +
                               std::to_string(place.column) + ": " + what);
}

const Argument* LayerText::find(std::string_view key) const noexcept {
  const auto found = std::find_if(arguments.begin(), arguments.end(),
                                  [key](const Argument& a) { return a.key == key; });
  return found == arguments.end() ? nullptr : &*found;
}

std::optional<std::uint64_t> parse_number(std::string_view text) noexcept {
  const bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  std::uint64_t out = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, out, hex ? 16 : 10);
  if (error != std::errc{} || stop != end || text.empty()) return std::nullopt;
  return out;
}

std::optional<std::int64_t> parse_duration(std::string_view text) noexcept {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  std::int64_t unit = 0;
  for (const auto& [name, ns] : {std::pair<std::string_view, std::int64_t>{"ns", 1},
                                 {"us", 1'000},
                                 {"ms", 1'000'000},
                                 {"s", 1'000'000'000}}) {
    if (unit == 0 && text.ends_with(name)) {
      unit = ns;
      text.remove_suffix(name.size());
    }
  }
  const std::size_t dot = text.find('.');
  const auto whole = parse_number(text.substr(0, dot));
  constexpr std::uint64_t whole_max = 2'000'000'000;
  if (!whole || *whole > whole_max || (unit == 0 && *whole != 0)) return std::nullopt;
  std::int64_t out = static_cast<std::int64_t>(*whole) * unit;
  if (dot != std::string_view::npos) {
    std::int64_t part = unit;
    for (const char c : text.substr(dot + 1)) {
      if (c < '0' || c > '9' || part % 10 != 0) return std::nullopt;
      part /= 10;
      out += (c - '0') * part;
    }
  }
  return negative ? -out : out;
}

Result<std::vector<PacketText>> parse_packets(
    std::string_view text, const Place& first,
    const std::vector<std::pair<std::string, std::string>>& names) {
  Lines lines{names, first};
  if (auto read = lines.read(text); !read) return tl::unexpected(read.error());
  return lines.take();
}

}  // namespace dpi::spec
