#include "probe/spec/header_table.h"

#include <algorithm>
#include <array>

#include "probe/base/check.h"
#include "probe/spec/recipe.h"

namespace dpi::spec {
namespace {

// clang-format off: one header, one line
constexpr std::array definitions = std::to_array<HeaderDefinition>({
    // Links
    {"eth", "dst:mac=020000000002 src:mac=020000000001 type:16=@eth",
     "eth=0x6558 nsh=3 ip=143 link=1"},
    {"null", "family:le32=2", "link=0"},
    {"loop", "family:32=2", "link=108"},
    {"tokenring",
     "access:8=0x10 control:8=0x40 dst:mac=020000000002 src:mac=020000000001 routing:hex",
     "link=6"},
    {"slip", "direction:8 state:120", "link=8"},
    {"hdlc", "address:8=0xff control:8=0x03", "link=9"},
    {"chdlc", "address:8=0x0f control:8 protocol:16=@eth", "link=104"},
    {"fddi", "control:8=0x50 dst:mac=020000000002 src:mac=020000000001", "link=10"},
    {"llc", "dsap:8=0xaa ssap:8=0xaa control:8=3 oui:24 type:16=@eth", "link=100"},
    {"llc_ip", "dsap:8=6 ssap:8=6 control:8=3", ""},
    {"llc_nlpid", "dsap:8=0xfe ssap:8=0xfe control:8=3 nlpid:8=@nlpid", "link=100"},
    {"llc_bridged", "dsap:8=0xaa ssap:8=0xaa control:8=3 oui:24=0x0080c2 pid:16=7 pad:16",
     "link=100"},
    {"frelay",
     "dlci_high:6=1 cr:1 ea0:1 dlci_low:4=4 fecn:1 becn:1 de:1 ea1:1=1 control:8=3 nlpid:8=@nlpid",
     "link=107"},
    {"enc", "family:le32=2 spi:32 flags:32", "link=109"},
    {"sll", "packet:16 hardware:16=1 address_length:16=6 address:64 protocol:16=@eth", "link=113"},
    {"sll2",
     "protocol:16=@eth reserved:16 ifindex:32=1 hardware:16=1 packet:8 address_length:8=6 "
     "address:64",
     "link=276"},
    {"pflog", "length:8=61 family:8=2 rest:496", "link=117"},
    {"fc", "dst:64 src:64", "link=122"},
    {"firewire", "dst:64 src:64 type:16=@eth", "link=138"},
    {"radiotap", "version:8 pad:8 length:le16=8 present:le32", "link=127"},
    {"prism", "code:le32=0x44 length:le32=144 rest:1088", "link=119"},
    {"avs", "version:32=0x80211001 length:32=64 rest:448", "link=163"},
    {"wlan",
     "subtype:4 type:2=2 version:2 order:1 protected:1 more_data:1 power:1 retry:1 "
     "more_fragments:1 from_ds:1 to_ds:1=1 duration:16 addr1:mac=020000000002 "
     "addr2:mac=020000000001 addr3:mac=020000000003 seq:16 qos?:16",
     "link=105"},
    {"ppi", "version:8 flags:8 length:le16=8 dlt:le32=@link", "link=192"},
    {"pktap", "length:le32=108 record:le32=1 dlt:le32=@link rest:768", "link=258"},
    {"ipnet",
     "version:8=1 family:8=2 hook:16 length:32=@behind ifindex:32=1 group:32 src_zone:32 "
     "dst_zone:32",
     "link=226"},
    {"nflog", "family:8=2 version:8 resource:16 length:le16=@behind+4 attribute:le16=9",
     "link=239"},
    {"erf", "time:64 type:8=2 flags:8 length:16=@all loss:16 wire:16=@behind pad:16", "link=197"},
    {"erf_ip", "time:64 type:8=22 flags:8 length:16=@all loss:16 wire:16=@behind", "link=197"},
    {"direction", "direction:8", "link=204"},
    // Tags and shims
    {"vlan", "pcp:3 dei:1 id:12=1 type:16=@eth", "eth=0x8100"},
    {"qinq", "pcp:3 dei:1 id:12=1 type:16=@eth", "eth=0x88a8"},
    {"vntag", "d:1 p:1 destination:14 l:1 reserved:1 version:2 source:12 type:16=@eth",
     "eth=0x8926"},
    {"etag",
     "pcp:3 dei:1 ingress:12 reserved:2 grp:2 ecid:12=1 ingress_ext:8 ecid_ext:8 type:16=@eth",
     "eth=0x893f"},
    {"pbb", "pcp:3 dei:1 uca:1 reserved:3 isid:24=1", "eth=0x88e7"},
    {"isl",
     "dst:40=0x01000c0000 type:4 user:4 src:mac=020000000001 length:16=@all-14 snap:24=0xaaaa03 "
     "hsa:24=0x00000c vlan:15=1 bpdu:1 index:16 reserved:16",
     "link=1"},
    {"cisco_metadata", "version:8=1 words:8=1 option:16=1 sgt:16=1 type:16=@eth", "eth=0x8909"},
    {"gre_metadata", "type:16=@eth version:8=1 words:8=1 option:16=1 sgt:16=1", "eth=0x8909"},
    {"macsec",
     "v:1 es:1 sc:1=@has.sci scb:1 e:1 c:1 an:2 short_length:8 packet:32=1 sci?:64 type:16=@eth",
     "eth=0x88e5"},
    {"hsr", "path:4 size:12=@all seq:16=1 type:16=@eth", "eth=0x892f"},
    {"trill", "version:2 reserved:2 multicast:1 option_words:5 hops:6=63 egress:16=1 ingress:16=2",
     "eth=0x22f3"},
    {"fabricpath", "tree:10=1 ttl:6=32", "eth=0x8903"},
    {"mpls", "label:20=16 tc:3 bottom:1=@bottom ttl:8=64",
     "eth=0x8847 ip=137 ppp=0x0281 nsh=5 link=219 port=6635"},
    {"pw", "word:32", ""},
    {"pppoe", "version:4=1 type:4=1 code:8 session:16=1 length:16=@behind", "eth=0x8864 link=51"},
    {"ppp", "protocol:16=@ppp", "eth=0x880b nlpid=0xcf"},
    {"nsh",
     "version:2 oam:1 u:1 ttl:6=63 length:6=@words unused:4 md:4=2 next:8=@nsh path:24=1 "
     "index:8=255",
     "eth=0x894f nsh=4"},
    {"arp",
     "hardware:16=1 protocol:16=0x0800 hlen:8=6 plen:8=4 op:16=1 sha:mac=020000000001 "
     "spa:ip4=192.0.2.1 tha:mac=000000000000 tpa:ip4=192.0.2.2",
     "eth=0x0806"},
    // IP
    {"ipv4",
     "version:4=4 ihl:4=@words tos:8 length:16=@all id:16=1 reserved:1 DF:1 MF:1=@more "
     "offset:13=@offset ttl:8=64 proto:8=@ip checksum:16=@header_sum src:ip4=192.0.2.1 "
     "dst:ip4=198.51.100.2 options:hex",
     "eth=0x0800 ip=4 ppp=0x0021 nsh=1 nlpid=0xcc link=101"},
    {"ipv6",
     "version:4=6 class:8 label:20 length:16=@behind next:8=@ip hops:8=64 src:ip6=2001:db8::1 "
     "dst:ip6=2001:db8::2",
     "eth=0x86dd ip=41 ppp=0x0057 nsh=2 nlpid=0x8e link=101"},
    {"hopopts", "next:8=@ip length:8=@eights-1 options:hex=010400000000", "ip=0"},
    {"dstopts", "next:8=@ip length:8=@eights-1 options:hex=010400000000", "ip=60"},
    {"routing", "next:8=@ip length:8=@eights-1 type:8 left:8 data:hex=00000000", "ip=43"},
    {"fragment", "next:8=@ip reserved:8 offset:13=@offset unused:2 MF:1=@more id:32=1", "ip=44"},
    {"ah",
     "next:8=@ip length:8=@words-2 reserved:16 spi:32=1 seq:32=1 icv:hex=000000000000000000000000",
     "ip=51"},
    {"esp", "spi:32=1 seq:32=1", "ip=50"},
    // Transport
    {"tcp",
     "src:16=40000 dst:16=80 seq:32=@seq ack:32=@ack offset:4=@words reserved:4 CWR:1 ECE:1 URG:1 "
     "ACK:1 PSH:1 RST:1 SYN:1 FIN:1 window:16=64240 checksum:16=@transport_sum urgent:16 "
     "options:hex",
     "ip=6"},
    {"udp", "src:16=40000 dst:16=@port length:16=@all checksum:16=@transport_sum", "ip=17"},
    {"udplite", "src:16=40000 dst:16=40001 coverage:16 checksum:16=@transport_sum", "ip=136"},
    {"sctp", "src:16=40000 dst:16=40001 tag:32=1 checksum:32", "ip=132"},
    {"dccp",
     "src:16=40000 dst:16=40001 offset:8=4 ccval:4 coverage:4 checksum:16 reserved:3 type:4 x:1=1 "
     "unused:8 seq:48=1",
     "ip=33"},
    {"icmp", "type:8=8 code:8 checksum:16=@sum id:16=1 seq:16=1", "ip=1"},
    {"icmpv6", "type:8=128 code:8 checksum:16=@transport_sum id:16=1 seq:16=1", "ip=58"},
    {"igmp", "type:8=0x16 time:8 checksum:16=@sum group:ip4=224.0.0.251", "ip=2"},
    // Tunnels
    {"gre",
     "C:1=@has.checksum R:1 K:1=@has.key S:1=@has.seq s:1 recursion:3 A:1=@has.ack flags:4 "
     "version:3 protocol:16=@eth checksum?:16 reserved?:16 key?:32 seq?:32 ack?:32",
     "ip=47 port=4754"},
    {"erspan", "version:4=1 vlan:12 cos:3 en:2 t:1 session:10=1 reserved:12 index:20",
     "eth=0x88be"},
    {"erspan3",
     "version:4=2 vlan:12 cos:3 bso:2 t:1 session:10=1 timestamp:32 sgt:16 p:1 ft:5 hw:6 d:1 gra:2 "
     "o:1",
     "eth=0x22eb"},
    {"wccp", "d:1 a:1 flags:6 service:8 alternative:8 primary:8", "eth=0x883e"},
    {"etherip", "version:4=3 reserved:12", "ip=97"},
    {"pim", "version:4=2 type:4=1 reserved:8 checksum:16=@header_sum border:1 null:1 flags:30",
     "ip=103"},
    {"l2tpv3", "session:32=1 cookie:hex", "ip=115"},
    {"l2tpv3_udp", "T:1 flags:11 version:4=3 reserved:16 session:32=1 cookie:hex", "port=1701"},
    {"l2tp",
     "T:1 L:1=@has.length x:2 S:1=@has.ns x1:1 O:1 P:1 x2:4 version:4=2 length?:16 tunnel:16=1 "
     "session:16=1 ns?:16 nr?:16",
     "port=1701"},
    {"vxlan", "flags:8=0x08 reserved:24 vni:24=1 reserved2:8", "port=4789"},
    {"vxlan_gpe", "flags:8=0x0c reserved:16 next:8=@nsh vni:24=1 reserved2:8", "port=4790"},
    {"geneve",
     "version:2 option_words:6=@words-2 O:1 C:1 reserved:6 protocol:16=@eth vni:24=1 reserved2:8 "
     "options:hex",
     "port=6081"},
    {"gtpu",
     "version:3=1 pt:1=1 spare:1 E:1 S:1 PN:1 type:8=255 length:16=@all-8 teid:32=1 options:hex",
     "port=2152"},
    {"teredo", "indications:hex", "port=3544"},
    {"capwap",
     "preamble:8 hlen:5=2 rid:5=1 wbid:5=1 T:1 F:1 L:1 W:1 M:1 K:1 flags:3 fragment:16 offset:13 "
     "reserved:3",
     "port=5247"},
    {"lwapp", "version:2 radio:3 C:1 F:1 L:1 fragment:8 length:16=@behind status:16", "port=12222"},
    {"tzsp", "version:8=1 type:8 protocol:16=1 tags:hex=01", "port=37008"},
    {"lisp", "N:1 L:1 E:1 V:1 I:1 flags:3 nonce:24 instance:24 status:8", "port=4341"},
    {"lisp_control", "type:4=8 flags:28", "port=4342"},
    {"ayiya",
     "identity_length:4=4 identity_type:4=1 signature_words:4=5 hash:4=2 authentication:4=1 "
     "operation:4=1 next:8=@ip time:32 identity:128 signature:160",
     "port=5072"},
    // Applications
    {"dns",
     "id:16=1 QR:1 opcode:4 AA:1 TC:1 RD:1 RA:1 z:1 AD:1 CD:1 rcode:4 qdcount:16=@count.q "
     "ancount:16=@count.an nscount:16=@count.ns arcount:16=@count.ar",
     "port=53"},
    {"dns_tcp", "length:16=@next", ""},
    {"tls", "type:8=22 version:16=0x0301 length:16=@behind", ""},
    {"handshake", "type:8=1 length:24=@behind", ""},
    {"dtls", "type:8=22 version:16=0xfefd epoch:16 seq:48 length:16=@behind", ""},
    {"dtls_fragment", "type:8=1 total:24=@behind seq:16 offset:24 length:24=@behind", ""},
});
// clang-format on

// The word up to the next space, taken off the text.
std::string_view next_word(std::string_view& text) noexcept {
  const std::size_t end = text.find(' ');
  const std::string_view word = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  return word;
}

void set_kind(Field& field, std::string_view kind) {
  const auto bits = parse_number(kind);
  if (bits) {
    field.bits = static_cast<std::uint32_t>(*bits);
  } else if (kind.starts_with("le")) {
    field.kind = Field::Kind::little_endian;
    field.bits = static_cast<std::uint32_t>(parse_number(kind.substr(2)).value_or(0));
  } else if (kind == "mac") {
    field.kind = Field::Kind::mac;
    field.bits = 48;
  } else if (kind == "ip4") {
    field.kind = Field::Kind::ip4;
    field.bits = 32;
  } else if (kind == "ip6") {
    field.kind = Field::Kind::ip6;
    field.bits = 128;
  } else {
    DPI_CHECK(kind == "hex");
    field.kind = Field::Kind::hex;
  }
  DPI_CHECK(field.bits > 0 || field.kind == Field::Kind::hex);
}

// A definition taken apart.
std::vector<Field> fields_of(const HeaderDefinition& definition) {
  std::vector<Field> out;
  std::string_view text = definition.fields;
  while (!text.empty()) {
    std::string_view word = next_word(text);
    Field field;
    const std::size_t colon = word.find(':');
    DPI_CHECK(colon != std::string_view::npos);
    field.name = word.substr(0, colon);
    word.remove_prefix(colon + 1);
    if (field.name.ends_with('?')) {
      field.optional = true;
      field.name.remove_suffix(1);
    }
    const std::size_t equals = word.find('=');
    if (equals != std::string_view::npos) field.standard = word.substr(equals + 1);
    set_kind(field, word.substr(0, equals));
    out.push_back(field);
  }
  return out;
}

}  // namespace

std::span<const HeaderDefinition> header_definitions() noexcept {
  return definitions;
}

const HeaderDefinition* find_header(std::string_view name) noexcept {
  const auto* const found =
      std::find_if(definitions.begin(), definitions.end(),
                   [name](const HeaderDefinition& d) { return d.name == name; });
  return found == definitions.end() ? nullptr : found;
}

std::optional<std::uint64_t> header_number(const HeaderDefinition& definition,
                                           std::string_view space) noexcept {
  std::string_view text = definition.numbers;
  while (!text.empty()) {
    const std::string_view word = next_word(text);
    if (word.starts_with(space) && word.substr(space.size()).starts_with('='))
      return parse_number(word.substr(space.size() + 1));
  }
  return std::nullopt;
}

const std::vector<Field>& header_fields(const HeaderDefinition& definition) {
  static const std::vector<std::vector<Field>> of_all = [] {
    std::vector<std::vector<Field>> out;
    for (const HeaderDefinition& d : definitions) out.push_back(fields_of(d));
    return out;
  }();
  return of_all[static_cast<std::size_t>(&definition - definitions.data())];
}

}  // namespace dpi::spec
