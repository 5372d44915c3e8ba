// IANA "Domain Name System (DNS) Parameters": the names that presentation formats use.
#include <algorithm>
#include <array>
#include <utility>

#include "dissectors/dns/message.h"

namespace dpi {
namespace {

using Entry = std::pair<std::uint16_t, std::string_view>;

constexpr std::array types = std::to_array<Entry>(
    {{1, "A"},           {2, "NS"},        {3, "MD"},        {4, "MF"},       {5, "CNAME"},
     {6, "SOA"},         {7, "MB"},        {8, "MG"},        {9, "MR"},       {10, "NULL"},
     {11, "WKS"},        {12, "PTR"},      {13, "HINFO"},    {14, "MINFO"},   {15, "MX"},
     {16, "TXT"},        {17, "RP"},       {18, "AFSDB"},    {19, "X25"},     {20, "ISDN"},
     {21, "RT"},         {22, "NSAP"},     {23, "NSAP-PTR"}, {24, "SIG"},     {25, "KEY"},
     {26, "PX"},         {27, "GPOS"},     {28, "AAAA"},     {29, "LOC"},     {30, "NXT"},
     {31, "EID"},        {32, "NIMLOC"},   {33, "SRV"},      {34, "ATMA"},    {35, "NAPTR"},
     {36, "KX"},         {37, "CERT"},     {38, "A6"},       {39, "DNAME"},   {40, "SINK"},
     {41, "OPT"},        {42, "APL"},      {43, "DS"},       {44, "SSHFP"},   {45, "IPSECKEY"},
     {46, "RRSIG"},      {47, "NSEC"},     {48, "DNSKEY"},   {49, "DHCID"},   {50, "NSEC3"},
     {51, "NSEC3PARAM"}, {52, "TLSA"},     {53, "SMIMEA"},   {55, "HIP"},     {56, "NINFO"},
     {57, "RKEY"},       {58, "TALINK"},   {59, "CDS"},      {60, "CDNSKEY"}, {61, "OPENPGPKEY"},
     {62, "CSYNC"},      {63, "ZONEMD"},   {64, "SVCB"},     {65, "HTTPS"},   {66, "DSYNC"},
     {67, "HHIT"},       {68, "BRID"},     {99, "SPF"},      {100, "UINFO"},  {101, "UID"},
     {102, "GID"},       {103, "UNSPEC"},  {104, "NID"},     {105, "L32"},    {106, "L64"},
     {107, "LP"},        {108, "EUI48"},   {109, "EUI64"},   {128, "NXNAME"}, {249, "TKEY"},
     {250, "TSIG"},      {251, "IXFR"},    {252, "AXFR"},    {253, "MAILB"},  {254, "MAILA"},
     {255, "ANY"},       {256, "URI"},     {257, "CAA"},     {258, "AVC"},    {259, "DOA"},
     {260, "AMTRELAY"},  {261, "RESINFO"}, {262, "WALLET"},  {263, "CLA"},    {264, "IPN"},
     {32768, "TA"},      {32769, "DLV"}});

constexpr std::array classes =
    std::to_array<Entry>({{1, "IN"}, {3, "CH"}, {4, "HS"}, {254, "NONE"}, {255, "ANY"}});

constexpr std::array opcodes = std::to_array<Entry>(
    {{0, "QUERY"}, {1, "IQUERY"}, {2, "STATUS"}, {4, "NOTIFY"}, {5, "UPDATE"}, {6, "DSO"}});

constexpr std::array rcodes = std::to_array<Entry>(
    {{0, "NOERROR"},  {1, "FORMERR"},    {2, "SERVFAIL"}, {3, "NXDOMAIN"},  {4, "NOTIMP"},
     {5, "REFUSED"},  {6, "YXDOMAIN"},   {7, "YXRRSET"},  {8, "NXRRSET"},   {9, "NOTAUTH"},
     {10, "NOTZONE"}, {11, "DSOTYPENI"}, {16, "BADVERS"}, {17, "BADKEY"},   {18, "BADTIME"},
     {19, "BADMODE"}, {20, "BADNAME"},   {21, "BADALG"},  {22, "BADTRUNC"}, {23, "BADCOOKIE"}});

template <std::size_t n>
std::string name_in(const std::array<Entry, n>& table, std::uint16_t code,
                    std::string_view prefix) {
  const auto found =
      std::find_if(table.begin(), table.end(), [code](const Entry& e) { return e.first == code; });
  if (found != table.end()) return std::string{found->second};
  return std::string{prefix} + std::to_string(code);
}

}  // namespace

std::string_view dns_section_name(DnsSection section) noexcept {
  switch (section) {
    case DnsSection::answer:
      return "answer";
    case DnsSection::authority:
      return "authority";
    default:
      return "additional";
  }
}

std::string dns_type_name(std::uint16_t type) {
  return name_in(types, type, "TYPE");
}
std::string dns_class_name(std::uint16_t klass) {
  return name_in(classes, klass, "CLASS");
}
std::string dns_opcode_name(std::uint8_t opcode) {
  return name_in(opcodes, opcode, "OPCODE");
}
std::string dns_rcode_name(std::uint16_t rcode) {
  return name_in(rcodes, rcode, "RCODE");
}

}  // namespace dpi
