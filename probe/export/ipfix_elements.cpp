#include "probe/export/ipfix_elements.h"

#include <algorithm>
#include <array>

namespace dpi {
namespace {

using enum IpfixType;

constexpr auto elements = std::to_array<IpfixElement>({
    {"sourceIPv4Address", ipv4, 4},
    {"sourceIPv6Address", ipv6, 16},
    {"destinationIPv4Address", ipv4, 4},
    {"destinationIPv6Address", ipv6, 16},
    {"sourceTransportPort", unsigned_number, 2},
    {"destinationTransportPort", unsigned_number, 2},
    {"protocolIdentifier", transport, 1},
    {"ipVersion", unsigned_number, 1},
    {"vlanId", first_number, 2},
    {"flowStartMilliseconds", milliseconds, 8},
    {"flowEndMilliseconds", milliseconds, 8},
    {"flowEndReason", end_reason, 1},
    {"octetDeltaCount", unsigned_number, 8},
    {"reverseOctetDeltaCount", unsigned_number, 8},
    {"packetDeltaCount", unsigned_number, 8},
    {"reversePacketDeltaCount", unsigned_number, 8},
    {"tcpControlBits", unsigned_number, 2},
    {"reverseTcpControlBits", unsigned_number, 2},
    {"applicationName", text, 0},
    {"httpRequestMethod", text, 0},
    {"httpRequestTarget", text, 0},
    {"httpStatusCode", unsigned_number, 2},
    {"httpUserAgent", text, 0},

    {ipfix_instance, text, 0, 1, "The chain of the sensor, a UUID"},
    {ipfix_sequence, unsigned_number, 8, 2, "The event's place in the chain"},
    {ipfix_sha256, octets, 32, 3, "The hash of the event's envelope"},
    {"communityId", text, 0, 4, "Community ID, version 1"},
    {"applicationProtocolName", text, 0, 5, "The protocol below the application"},
    {"applicationCategory", text, 0, 6, "The application's category"},
    {"serverName", text, 0, 7, "The name that the client asked for, TLS SNI or HTTP Host"},
    {"tlsJa3", text, 0, 8, "JA3 of the client's hello"},
    {"tlsJa3s", text, 0, 9, "JA3S of the server's hello"},
    {"tlsJa4", text, 0, 10, "JA4 of the client's hello"},
    {"tlsVersionName", text, 0, 11, "The version of TLS that was agreed on"},
    {"tlsCipherName", text, 0, 12, "The cipher suite that was agreed on"},
    {"tlsAlpn", text, 0, 13, "The protocols of ALPN"},
    {"tlsCertificateSha256", text, 0, 14, "The server's certificate"},
    {"tlsCertificateSubject", text, 0, 15, "Its subject"},
    {"tlsCertificateIssuer", text, 0, 16, "Its issuer"},
    {"sshHassh", text, 0, 17, "HASSH of the client"},
    {"sshHasshServer", text, 0, 18, "HASSH of the server"},
    {"tcpConnectionState", text, 0, 19, "As Zeek's conn_state"},
    {"flowRecordNumber", unsigned_number, 8, 20, "Which record of its flow this is, from 0"},
    {"flowRecordIsLast", boolean_number, 1, 21, "Whether it is the flow's last"},
    {"riskScore", unsigned_number, 8, 22, "The sum of the flow's risks"},
    {"roundTripSourceMicroseconds", unsigned_number, 8, 23, "Sensor to source and back"},
    {"roundTripDestinationMicroseconds", unsigned_number, 8, 24, "Sensor to destination and back"},
    {"dnsQueryName", text, 0, 25, "The name of the first question"},
    {"dnsQueryType", text, 0, 26, "Its type"},
    {"dnsResponseCodeName", text, 0, 27, "The response's code, by name"},
    {"dnsOutcome", text, 0, 28, "What became of the exchange"},
    {"dnsMessageId", unsigned_number, 2, 29, "The id of its messages"},
    {"dnsRoundTripMicroseconds", unsigned_number, 8, 30, "From the query to the response"},
    {"dnsQueryOctets", unsigned_number, 8, 31, "Bytes of the query"},
    {"dnsResponseOctets", unsigned_number, 8, 32, "Bytes of the response"},
});

}  // namespace

std::span<const IpfixElement> ipfix_elements() noexcept {
  return elements;
}

const IpfixElement* ipfix_element(std::string_view name) noexcept {
  const auto* const found = std::ranges::find(elements, name, &IpfixElement::name);
  return found == elements.end() ? nullptr : found;
}

}  // namespace dpi
