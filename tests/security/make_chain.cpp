// A signed chain as SQL for psql: what a probe or an agent would have sent, of any event type, with
// restarts, gaps and rotations. Reads one directive a line from standard input:
//   event TYPE PAYLOAD   seal it
//   batch | unsigned     send what was sealed, with its checkpoint or without
//   lose | fill          do not send it: a gap | send what was lost
//   boot | rotate        another boot | the next key
// make_chain INSTANCE MACHINE COMPONENT LOGIN > SQL
#include <fmt/format.h>

#include <chrono>
#include <iostream>
#include <string>
#include <vector>

#include "probe/crypto/digest.h"
#include "probe/envelope/canonical.h"
#include "probe/envelope/checkpoint.h"
#include "probe/envelope/envelope.h"
#include "probe/envelope/merkle.h"

namespace {

using namespace dpi;

struct Sealed {
  std::string envelope, payload;
};

class Chain {
 public:
  Chain(const Uuid& instance, const Uuid& machine, std::string component)
      : component_(std::move(component)) {
    identity_ = {.instance = instance,
                 .machine = machine,
                 .hostname = "sensor-1",
                 .version = "1.0",
                 .mode = Mode::live};
    identity_.boot[15] = 1;
    start();
  }

  void event(const std::string& type, const std::string& payload) {
    Envelope e;
    e.component = component_;
    e.identity = identity_;
    e.emitted_at = e.observed_at = now();
    e.event_type = type;
    e.mono_us = ++mono_;
    e.payload_bytes = payload.size();
    e.payload_sha256 = sha256({as_bytes(payload)});
    e.prev_hash = last_;
    e.seq = tree_.size();
    e.event_id = make_event_id(identity_.instance, e.seq, e.observed_at, e.payload_sha256);
    Sealed& sealed = open_.emplace_back();
    append_envelope(sealed.envelope, e);
    sealed.payload = payload;
    last_ = envelope_hash(sealed.envelope);
    tree_.add(last_);
  }

  void batch(bool with_note) {
    fmt::print("select status, detail from re_raw.ingest('{}', {}, {}, {}, {}, true);\n",
               uuid_text(identity_.instance), tree_.size() - open_.size(), array(open_, false),
               array(open_, true), with_note ? note() : "null");
    open_.clear();
  }
  void lose() {
    lost_from_ = tree_.size() - open_.size();
    lost_ = std::move(open_);
    open_.clear();
  }
  void fill() {
    fmt::print("select status, detail from re_raw.fill_gap('{}', {}, {}, {});\n",
               uuid_text(identity_.instance), lost_from_, array(lost_, false), array(lost_, true));
  }
  void boot() {
    ++identity_.boot[15];
    identity_.version += ".1";
    mono_ = 0;
  }
  // The event, signed by the old key's checkpoint and the new one's.
  void rotate() {
    const SigningKey old = key(key_number_);
    const SigningKey next = key(++key_number_);
    const std::string old_id = hex(old.public_key().key_id());
    const std::string id = hex(next.public_key().key_id());
    const std::string claim =
        fmt::format("ransomeye.key-possession/1\n{}\n{}\n", uuid_text(identity_.instance), id);
    fmt::print("select re_core.rotate_key('{}', '\\x{}', '\\x{}', {}, 'file', 'yearly');\n",
               uuid_text(identity_.instance), old_id, hex(next.public_key().spki()), tree_.size());
    event("key.rotate",
          fmt::format("{{\"new_key_alg\":\"ed25519\",\"new_key_id\":\"{}\",\"new_key_spki\":\"{}\","
                      "\"old_key_id\":\"{}\",\"possession_sig\":\"{}\",\"reason\":\"yearly\"}}",
                      id, base64(next.public_key().spki()), old_id,
                      base64(next.sign(as_bytes(claim)))));
    rotating_ = true;
  }
  void enrol(const std::string& login) const {
    fmt::print(
        "select re_core.enrol_instance('{}', '{}', 'default', '{}', 'live', '{}', '\\x{}', "
        "'file', 'by the test');\n",
        uuid_text(identity_.instance), uuid_text(identity_.machine), component_, login,
        hex(key(1).public_key().spki()));
  }

 private:
  [[nodiscard]] SigningKey key(std::uint8_t number) const {
    Digest seed{};
    seed.fill(number);
    seed[0] = identity_.instance[15];
    return SigningKey::from_seed(seed);
  }
  static Timestamp now() { return std::chrono::system_clock::now(); }

  void start() {
    const PublicKey first = key(1).public_key();
    event("chain.start",
          fmt::format("{{\"key_alg\":\"ed25519\",\"key_id\":\"{}\",\"key_spki\":\"{}\","
                      "\"reason\":\"enrolment\"}}",
                      hex(first.key_id()), base64(first.spki())));
  }
  std::string note() {
    std::string text = sign_checkpoint(identity_.instance, tree_.size(), tree_.root(),
                                       key(key_number_), component_);
    if (rotating_) {
      const std::string old = sign_checkpoint(identity_.instance, tree_.size(), tree_.root(),
                                              key(key_number_ - 1), component_);
      text += old.substr(old.find("\n\n") + 2);
      rotating_ = false;
    }
    std::string out = "e'";
    for (const char c : text) out += c == '\n' ? std::string{"\\n"} : std::string{c};
    return out + "'";
  }
  static std::string array(const std::vector<Sealed>& events, bool payloads) {
    std::string out = "array[";
    for (const Sealed& e : events) {
      out += fmt::format("{}'\\x{}'::bytea", out.ends_with('[') ? "" : ",",
                         hex(as_bytes(payloads ? e.payload : e.envelope)));
    }
    return out + "]";
  }

  Identity identity_;
  std::string component_;
  std::uint8_t key_number_ = 1;
  bool rotating_ = false;
  std::uint64_t mono_ = 0;
  Digest last_{};
  MerkleTree tree_;
  std::vector<Sealed> open_, lost_;
  std::uint64_t lost_from_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const auto instance = parse_uuid(argv[1]);
  const auto machine = parse_uuid(argv[2]);
  if (!instance || !machine) return 2;
  Chain chain(*instance, *machine, argv[3]);
  chain.enrol(argv[4]);
  for (std::string line; std::getline(std::cin, line);) {
    const std::size_t space = line.find(' ');
    const std::string word = line.substr(0, space);
    if (word == "event") {
      const std::size_t second = line.find(' ', space + 1);
      chain.event(line.substr(space + 1, second - space - 1), line.substr(second + 1));
    } else if (word == "batch" || word == "unsigned") {
      chain.batch(word == "batch");
    } else if (word == "lose") {
      chain.lose();
    } else if (word == "fill") {
      chain.fill();
    } else if (word == "boot") {
      chain.boot();
    } else if (word == "rotate") {
      chain.rotate();
    } else if (!word.empty()) {
      return 2;
    }
  }
  return 0;
}
