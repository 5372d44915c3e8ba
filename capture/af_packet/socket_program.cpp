#include "capture/af_packet/socket_program.h"

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include <initializer_list>
#include <limits>
#include <utility>
#include <vector>

#include "probe/base/check.h"

namespace dpi {
namespace {

// Offsets that the kernel answers with facts about the packet.
constexpr std::uint32_t ancillary(int fact) {
  return static_cast<std::uint32_t>(SKF_AD_OFF + fact);
}

constexpr BpfInstruction statement(unsigned code, std::uint32_t k) {
  return {.code = static_cast<std::uint16_t>(code), .k = k};
}

// Writes a program whose jumps go forward to labels.
class Assembler {
 public:
  using Label = std::size_t;

  Label label() {
    places_.push_back(unplaced);
    return places_.size() - 1;
  }
  void place(Label label) { places_[label] = program_.size(); }

  void add(unsigned code, std::uint32_t k = 0) { program_.push_back(statement(code, k)); }
  // To the label when A satisfies the comparison (BPF_JEQ, BPF_JSET), else on.
  void jump_if(unsigned comparison, std::uint32_t k, Label target) {
    jumps_.push_back({program_.size(), target});
    add(BPF_JMP | comparison | BPF_K, k);
  }
  void jump(Label target) {
    jumps_.push_back({program_.size(), target});
    add(BPF_JMP | BPF_JA);
  }

  // A from the packet at X + offset.
  void load(unsigned size, std::uint32_t offset) { add(BPF_LD | size | BPF_IND, offset); }
  void load_scratch(std::uint32_t cell) { add(BPF_LD | BPF_MEM, cell); }
  void load_x_scratch(std::uint32_t cell) { add(BPF_LDX | BPF_MEM, cell); }
  void store(std::uint32_t cell) { add(BPF_ST, cell); }
  void alu(unsigned operation, std::uint32_t k) { add(BPF_ALU | operation | BPF_K, k); }
  void alu_x(unsigned operation) { add(BPF_ALU | operation | BPF_X); }
  // X += bytes; A survives.
  void advance(std::uint32_t bytes, std::uint32_t spare_cell) {
    store(spare_cell);
    add(BPF_MISC | BPF_TXA);
    alu(BPF_ADD, bytes);
    add(BPF_MISC | BPF_TAX);
    load_scratch(spare_cell);
  }

  BpfProgram finish() {
    for (const Jump& jump : jumps_) {
      const std::size_t distance = places_[jump.target] - jump.from - 1;
      BpfInstruction& i = program_[jump.from];
      if (i.code == (BPF_JMP | BPF_JA)) {
        i.k = static_cast<std::uint32_t>(distance);
      } else {
        DPI_CHECK(distance <= std::numeric_limits<std::uint8_t>::max());
        i.jump_true = static_cast<std::uint8_t>(distance);
      }
    }
    return std::move(program_);
  }

 private:
  static constexpr std::size_t unplaced = 0;
  struct Jump {
    std::size_t from;
    Label target;
  };
  BpfProgram program_;
  std::vector<std::size_t> places_;
  std::vector<Jump> jumps_;
};

// Scratch cells of the fanout program.
enum Cell : std::uint32_t { spare, first, second, word, base };

constexpr std::uint32_t odd_1 = 0x85EBCA6B;
constexpr std::uint32_t odd_2 = 0x9E3779B1;

// A ^= A >> bits
void fold(Assembler& as, std::uint32_t bits) {
  as.add(BPF_MISC | BPF_TAX);
  as.alu(BPF_RSH, bits);
  as.alu_x(BPF_XOR);
}

// The hash in the cell takes in the word at the offset.
void mix_word(Assembler& as, Cell cell, std::uint32_t offset) {
  as.load_x_scratch(base);
  as.load(BPF_W, offset);
  as.store(word);
  as.load_scratch(cell);
  as.alu(BPF_MUL, odd_1);
  as.load_x_scratch(word);
  as.alu_x(BPF_ADD);
  as.alu(BPF_MUL, odd_2);
  fold(as, 15);
  as.alu(BPF_MUL, odd_1);
  as.store(cell);
}

// Hashes both addresses of the header at X, each by itself: sum, difference and XOR of two plain
// addresses are constant in many address plans. What is left to do is at the label.
void hash_addresses(Assembler& as, std::uint32_t source, std::uint32_t address_bytes,
                    Assembler::Label hashed) {
  as.add(BPF_STX, base);
  as.add(BPF_LD | BPF_IMM, 0);
  as.store(first);
  as.store(second);
  for (std::uint32_t at = 0; at < address_bytes; at += 4) {
    mix_word(as, first, source + at);
    mix_word(as, second, source + address_bytes + at);
  }
  as.jump(hashed);
}

// The sum knows no direction.
void return_hash(Assembler& as) {
  as.load_x_scratch(second);
  as.load_scratch(first);
  as.alu_x(BPF_ADD);
  fold(as, 16);
  as.alu(BPF_MUL, 0x7FEB352D);
  fold(as, 15);
  as.add(BPF_RET | BPF_A);
}

struct Labels {
  Assembler::Label ipv4, ipv6, other;
};

void walk_tags(Assembler& as) {
  constexpr int tags_max = 2;
  const Assembler::Label done = as.label();
  for (int i = 0; i < tags_max; ++i) {
    const Assembler::Label tag = as.label();
    for (const std::uint32_t tpid :
         {std::uint32_t{ETH_P_8021Q}, std::uint32_t{ETH_P_8021AD}, std::uint32_t{ETH_P_QINQ1}})
      as.jump_if(BPF_JEQ, tpid, tag);
    as.jump(done);
    as.place(tag);
    as.load(BPF_H, 2);
    as.advance(4, spare);
  }
  as.place(done);
}

void pppoe(Assembler& as, const Labels& to) {
  constexpr std::uint32_t ppp_ipv4 = 0x0021;
  constexpr std::uint32_t ppp_ipv6 = 0x0057;
  as.load(BPF_H, 6);
  as.advance(8, spare);
  as.jump_if(BPF_JEQ, ppp_ipv4, to.ipv4);
  as.jump_if(BPF_JEQ, ppp_ipv6, to.ipv6);
  as.jump(to.other);
}

void mpls(Assembler& as, const Labels& to) {
  constexpr int labels_max = 4;
  constexpr std::uint32_t bottom_of_stack = 1;
  const Assembler::Label bottom = as.label();
  for (int i = 0; i < labels_max; ++i) {
    as.load(BPF_B, 2);
    as.advance(4, spare);
    as.jump_if(BPF_JSET, bottom_of_stack, bottom);
  }
  as.jump(to.other);
  as.place(bottom);
  as.load(BPF_B, 0);
  as.alu(BPF_RSH, 4);
  as.jump_if(BPF_JEQ, 4, to.ipv4);
  as.jump_if(BPF_JEQ, 6, to.ipv6);
  as.jump(to.other);
}

// By ethertype in A to one of the headers.
void dispatch(Assembler& as, const Labels& to) {
  const Assembler::Label is_pppoe = as.label();
  const Assembler::Label is_mpls = as.label();
  as.jump_if(BPF_JEQ, ETH_P_IP, to.ipv4);
  as.jump_if(BPF_JEQ, ETH_P_IPV6, to.ipv6);
  as.jump_if(BPF_JEQ, ETH_P_PPP_SES, is_pppoe);
  as.jump_if(BPF_JEQ, ETH_P_MPLS_UC, is_mpls);
  as.jump_if(BPF_JEQ, ETH_P_MPLS_MC, is_mpls);
  as.jump(to.other);
  as.place(is_pppoe);
  pppoe(as, to);
  as.place(is_mpls);
  mpls(as, to);
}

static_assert(gate_instruction.code == (BPF_RET | BPF_K));

}  // namespace

BpfProgram capture_program(const BpfProgram& filter, std::uint32_t snap_bytes, bool ignore_outgoing,
                           bool tagged_pass) {
  BpfProgram program;
  if (ignore_outgoing) {
    program.push_back(statement(BPF_LD | BPF_W | BPF_ABS, ancillary(SKF_AD_PKTTYPE)));
    program.push_back({.code = BPF_JMP | BPF_JEQ | BPF_K, .jump_false = 1, .k = PACKET_OUTGOING});
    program.push_back(statement(BPF_RET | BPF_K, 0));
  }
  if (tagged_pass && !filter.empty()) {
    program.push_back(statement(BPF_LD | BPF_W | BPF_ABS, ancillary(SKF_AD_VLAN_TAG_PRESENT)));
    program.push_back({.code = BPF_JMP | BPF_JEQ | BPF_K, .jump_true = 1, .k = 0});
    program.push_back(statement(BPF_RET | BPF_K, snap_bytes));
  }
  program.insert(program.end(), filter.begin(), filter.end());
  if (filter.empty()) program.push_back(statement(BPF_RET | BPF_K, snap_bytes));
  return program;
}

BpfProgram fanout_program() {
  Assembler as;
  const Labels to{.ipv4 = as.label(), .ipv6 = as.label(), .other = as.label()};
  const Assembler::Label outgoing = as.label();
  const Assembler::Label typed = as.label();
  // A received packet begins at its network header; one that is sent begins at its link header, but
  // the kernel knows where the network header is.
  as.add(BPF_LD | BPF_W | BPF_ABS, ancillary(SKF_AD_PKTTYPE));
  as.jump_if(BPF_JEQ, PACKET_OUTGOING, outgoing);
  as.add(BPF_LDX | BPF_IMM, 0);
  as.jump(typed);
  as.place(outgoing);
  as.add(BPF_LDX | BPF_IMM, static_cast<std::uint32_t>(SKF_NET_OFF));
  as.place(typed);
  as.add(BPF_LD | BPF_W | BPF_ABS, ancillary(SKF_AD_PROTOCOL));
  walk_tags(as);
  dispatch(as, to);

  const Assembler::Label hashed = as.label();
  as.place(to.ipv4);
  hash_addresses(as, 12, 4, hashed);
  as.place(to.ipv6);
  hash_addresses(as, 8, 16, hashed);
  as.place(hashed);
  return_hash(as);
  as.place(to.other);
  as.add(BPF_RET | BPF_K, 0);
  return as.finish();
}

}  // namespace dpi
