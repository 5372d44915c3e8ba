// conn_state against a model of it in plain words: every sequence of up to six segments, from both
// sides. The model is a list of sentences, looked up from the top, the first that fits counts; it
// shares no code with the product.
#include "probe/flow/conn_state.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "dissectors/packet_view.h"

namespace dpi {
namespace {

struct Kind {
  std::string_view name;
  std::uint8_t flags;
  std::uint32_t payload_bytes;
};
constexpr std::array kinds = std::to_array<Kind>({
    {"SYN", tcp_flag::syn, 0},
    {"SYN/ACK", tcp_flag::syn | tcp_flag::ack, 0},
    {"ACK", tcp_flag::ack, 0},
    {"data", tcp_flag::ack, 10},
    {"FIN", tcp_flag::fin | tcp_flag::ack, 0},
    {"RST", tcp_flag::rst, 0},
});

// The sender is in state `is`, its peer in `peer` ("any", "not X"), and sends `sends`: it is in
// `becomes` then, and the peer in `peer_becomes` ("" when that does not change).
struct Sentence {
  std::string_view sender;
  std::string_view is;
  std::string_view sends;
  std::string_view peer;
  std::string_view becomes;
  std::string_view peer_becomes;
};
constexpr std::array sentences = std::to_array<Sentence>({
    // The first segment of the originator.
    {"originator", "silent", "SYN", "open", "open", ""},  // captured behind its own answer
    {"originator", "silent", "SYN", "any", "asked", ""},
    {"originator", "silent", "SYN/ACK", "any", "answered", ""},
    // The first segment of the responder: its SYN, with or without ACK, opens both.
    {"responder", "silent", "SYN", "asked", "open", "open"},
    {"responder", "silent", "SYN", "any", "open", ""},
    {"responder", "silent", "SYN/ACK", "asked", "open", "open"},
    {"responder", "silent", "SYN/ACK", "any", "open", ""},
    {"responder", "silent", "ACK", "asked", "silent", ""},  // a split handshake
    // The first segment of either.
    {"either", "silent", "FIN", "any", "closed", ""},
    {"either", "silent", "RST", "any", "reset", ""},
    {"either", "silent", "ACK", "open", "open", ""},  // its SYN was lost, not the answer
    {"either", "silent", "data", "open", "open", ""},
    {"either", "silent", "ACK", "any", "joined", ""},
    {"either", "silent", "data", "any", "joined", ""},
    // Before it is open, only an end counts.
    {"either", "asked", "FIN", "any", "closed", ""},
    {"either", "asked", "RST", "any", "reset", ""},
    {"either", "answered", "FIN", "any", "closed", ""},
    {"either", "answered", "RST", "any", "reset", ""},
    // Joined in the middle, and then a SYN while the peer never spoke: it asks.
    {"either", "joined", "SYN", "silent", "asked", ""},
    // A FIN closes; where the peer had closed before its reset, the close was orderly.
    {"either", "joined", "FIN", "reset behind its FIN", "closed", "closed"},
    {"either", "joined", "FIN", "any", "closed", ""},
    {"either", "open", "FIN", "reset behind its FIN", "closed", "closed"},
    {"either", "open", "FIN", "any", "closed", ""},
    {"either", "joined", "RST", "any", "reset", ""},
    {"either", "open", "RST", "any", "reset", ""},
    // Behind a FIN, a RST counts unless both have closed.
    {"either", "closed", "RST", "closed", "closed", ""},
    {"either", "closed", "RST", "any", "reset behind its FIN", ""},
});

struct Model {
  std::string_view originator = "silent";
  std::string_view responder = "silent";
  bool begun = false;
  bool only_syns = false;     // the originator began, and sent SYNs and data until now
  bool syns_and_rst = false;  // and then a RST
  bool originator_rst = false;
  bool data = false;

  void see(const Kind& kind, bool by_originator) {
    data = data || kind.payload_bytes > 0;
    if (!begun) only_syns = by_originator && kind.name == "SYN";
    begun = true;
    if (by_originator && !originator_rst) {
      if (kind.name == "RST") {
        originator_rst = true;
        syns_and_rst = only_syns;
      } else if (kind.name != "SYN" && kind.name != "data") {
        only_syns = false;
      }
    }
    std::string_view& sender = by_originator ? originator : responder;
    std::string_view& peer = by_originator ? responder : originator;
    for (const Sentence& s : sentences) {
      const bool fits = (s.sender == "either" || (s.sender == "originator") == by_originator) &&
                        s.is == sender && s.sends == kind.name &&
                        (s.peer == "any" || s.peer == peer);
      if (!fits) continue;
      sender = s.becomes;
      if (!s.peer_becomes.empty()) peer = s.peer_becomes;
      return;
    }
  }

  // conn.log's list, in the order in which the names are tried.
  [[nodiscard]] std::string_view name() const {
    const auto reset = [](std::string_view s) { return s.starts_with("reset"); };
    const auto never_open = [](std::string_view s) { return s == "silent" || s == "joined"; };
    const bool attempted = originator == "asked" || originator == "answered";
    if (reset(responder) && (attempted || (reset(originator) && !data))) return "REJ";
    if (reset(responder)) return never_open(originator) ? "RSTRH" : "RSTR";
    if (reset(originator) && !never_open(responder)) return "RSTO";
    if (reset(originator)) return syns_and_rst ? "RSTOS0" : "OTH";
    if (originator == "closed" && responder == "closed") return "SF";
    if (originator == "closed") return never_open(responder) ? "SH" : "S2";
    if (responder == "closed") return never_open(originator) ? "SHR" : "S3";
    if (originator == "asked" && responder == "silent") return "S0";
    if (originator == "open" && responder == "open") return "S1";
    return "OTH";
  }
};

struct Walk {
  std::vector<std::string> path;
  std::uint64_t sequences = 0;
  std::uint64_t differences = 0;

  void go_on(const ConnState& state, const Model& model, int left) {
    for (const bool by_originator : {true, false}) {
      for (const Kind& kind : kinds) {
        ConnState next = state;
        Model expected = model;
        next.observe(kind.flags, kind.payload_bytes, by_originator);
        expected.see(kind, by_originator);
        path.push_back((by_originator ? "> " : "< ") + std::string{kind.name});
        ++sequences;
        if (next.name(expected.data) != expected.name() && ++differences <= 10) {
          std::string text;
          for (const std::string& p : path) text += p + " ";
          ADD_FAILURE() << text << ": " << next.name(expected.data) << ", the model says "
                        << expected.name();
        }
        if (left > 1) go_on(next, expected, left - 1);
        path.pop_back();
      }
    }
  }
};

TEST(ConnStateTest, IsWhatTheModelSaysForEverySequenceOfSixSegments) {
  Walk walk;
  walk.go_on({}, {}, 6);
  EXPECT_EQ(walk.sequences, 12U + 144 + 1'728 + 20'736 + 248'832 + 2'985'984);
  EXPECT_EQ(walk.differences, 0U);
}

// What conn.log's own description promises, whatever the states in between are.
TEST(ConnStateTest, NamesKeepTheirPromises) {
  const auto name_of = [](const std::vector<std::pair<char, std::string_view>>& segments) {
    ConnState state;
    bool data = false;
    for (const auto& [from, what] : segments) {
      const auto kind = std::find_if(kinds.begin(), kinds.end(),
                                     [&, name = what](const Kind& k) { return k.name == name; });
      state.observe(kind->flags, kind->payload_bytes, from == '>');
      data = data || kind->payload_bytes > 0;
    }
    return std::string{state.name(data)};
  };
  EXPECT_EQ(name_of({{'>', "SYN"}}), "S0");
  EXPECT_EQ(name_of({{'>', "SYN"}, {'<', "RST"}}), "REJ");
  EXPECT_EQ(name_of({{'>', "SYN"}, {'<', "SYN/ACK"}, {'>', "ACK"}}), "S1");
  EXPECT_EQ(name_of({{'<', "SYN/ACK"}, {'>', "SYN"}, {'>', "ACK"}}), "S1") << "captured late";
  EXPECT_EQ(name_of({{'>', "SYN"}, {'<', "SYN/ACK"}, {'>', "ACK"}, {'>', "FIN"}, {'<', "FIN"}}),
            "SF");
  EXPECT_EQ(
      name_of(
          {{'>', "SYN"}, {'<', "SYN/ACK"}, {'>', "ACK"}, {'>', "FIN"}, {'<', "FIN"}, {'<', "RST"}}),
      "SF")
      << "a RST behind an orderly close";
  EXPECT_EQ(name_of({{'>', "data"}, {'<', "data"}}), "OTH");
}

}  // namespace
}  // namespace dpi
