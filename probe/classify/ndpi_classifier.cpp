// The only file that knows nDPI (Debian 12's 4.2). Its flow structures are made at the first packet
// with payload and freed at the verdict; its memory never outlives a flow's inspection. Traps that
// shape this file are in docs/decisions/0003-ndpi.md.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <ndpi_api.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "probe/base/check.h"
#include "probe/classify/classifier.h"
#include "probe/classify/library_version.h"

namespace dpi {
namespace {

// nDPI counts offsets in 16 bits and lets some of them wrap: a DNS message near 64 KiB is walked
// for ever. What labels a flow stands at the head of a payload, so that no offset ever comes near.
constexpr std::size_t payload_bytes_max = 4096;
// Behind an IP header with every option, and the longest chain of IPv6 extension headers and TCP
// header that still leave room for payload.
constexpr std::size_t headers_bytes_max = 4096;
constexpr std::size_t packet_bytes_max = headers_bytes_max + payload_bytes_max;
// Structures of flows whose verdict is there, kept for flows to come.
constexpr std::size_t pool_max = 1024;
constexpr std::size_t padding_bytes = 64;  // readable behind the packet: nDPI over-reads

struct FlowState {
  ndpi_flow_struct* ndpi = nullptr;
  ndpi_protocol result{};
  ndpi_confidence_t confidence = NDPI_CONFIDENCE_UNKNOWN;
  ndpi_risk risk = 0;
  std::uint64_t decided_at_packet = 0;
  std::uint64_t seen = 0;          // packets of the flow, with or without payload
  std::uint32_t handed = 0;        // packets that nDPI saw
  std::uint32_t handed_bytes = 0;  // their payload
  std::uint8_t protocol = 0;
  bool settled = false;
};

std::string snake_case(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      out.push_back(c);
    } else if (c >= 'A' && c <= 'Z') {
      out.push_back(static_cast<char>(c - 'A' + 'a'));
    } else if (!out.empty() && out.back() != '_') {
      out.push_back('_');
    }
  }
  while (!out.empty() && out.back() == '_') out.pop_back();
  return out;
}

class NdpiClassifier final : public Classifier {
 public:
  NdpiClassifier(ndpi_detection_module_struct* module, ClassifierLimits limits)
      : module_(module), limits_(limits), packet_(packet_bytes_max + padding_bytes) {
    for (std::size_t i = 0; i < risk_names_.size(); ++i) {
      risk_names_[i] = snake_case(ndpi_risk2str(static_cast<ndpi_risk_enum>(i)));
    }
  }
  NdpiClassifier(const NdpiClassifier&) = delete;
  NdpiClassifier& operator=(const NdpiClassifier&) = delete;
  ~NdpiClassifier() override {
    for (FlowState& state : states_) release(state);
    for (ndpi_flow_struct* flow : pool_) std::free(flow);
    ndpi_exit_detection_module(module_);
  }

  void inspect(const Flow& flow, const PacketView& view, Timestamp time) override {
    FlowState& state = state_of(flow);
    ++state.seen;
    if (state.settled || view.fragment.present || view.protocol != state.protocol) return;
    if (wants_payload(state.protocol) && view.payload.empty()) return;
    if (state.ndpi == nullptr) state.ndpi = acquire();
    const Bytes packet = prepare(view);
    const auto ms = static_cast<std::uint64_t>(nanoseconds(time) / 1'000'000);
    const ndpi_protocol found = ndpi_detection_process_packet(
        module_, state.ndpi, packet.data(), static_cast<std::uint16_t>(packet.size()), ms);
    ++state.handed;
    state.handed_bytes +=
        static_cast<std::uint32_t>(std::min(view.payload.size(), payload_bytes_max));
    const bool known = found.app_protocol != NDPI_PROTOCOL_UNKNOWN;
    if (known) {
      if (state.result.app_protocol != found.app_protocol || state.decided_at_packet == 0) {
        state.decided_at_packet = state.seen;
      }
      state.result = found;
    }
    if ((known && ndpi_extra_dissection_possible(module_, state.ndpi) == 0) ||
        state.handed >= cap(state.protocol)) {
      settle(flow, state);
    }
  }

  Verdict verdict(const Flow& flow) override {
    FlowState& state = state_of(flow);
    if (state.ndpi != nullptr) {
      state.confidence = state.ndpi->confidence;
      state.risk = state.ndpi->risk;
    }
    return describe(state);
  }

  Verdict conclude(const Flow& flow) override {
    FlowState& state = state_of(flow);
    if (!state.settled) settle(flow, state);
    Verdict out = describe(state);
    state = FlowState{};
    return out;
  }

  // Of what it was given nDPI keeps names, a hello, a reply that it puts together: never more.
  std::size_t memory_bytes(const Flow& flow) const override {
    if (flow.slot >= states_.size() || states_[flow.slot].ndpi == nullptr) return 0;
    return sizeof(ndpi_flow_struct) + states_[flow.slot].handed_bytes;
  }

  std::string version() const override { return ndpi_library_version(); }
  std::string library_path() const override {
    Dl_info library{};
    const void* const symbol = ::dlsym(RTLD_DEFAULT, "ndpi_revision");
    if (symbol == nullptr || ::dladdr(symbol, &library) == 0 || library.dli_fname == nullptr)
      return {};
    return library.dli_fname;
  }

 private:
  static bool wants_payload(std::uint8_t protocol) noexcept {
    return protocol == ip_protocol::tcp || protocol == ip_protocol::udp;
  }
  [[nodiscard]] std::uint32_t cap(std::uint8_t protocol) const noexcept {
    if (protocol == ip_protocol::tcp) return limits_.tcp_packets;
    return protocol == ip_protocol::udp ? limits_.udp_packets : limits_.other_packets;
  }

  FlowState& state_of(const Flow& flow) {
    if (flow.slot >= states_.size()) states_.resize(flow.slot + 1024U);
    FlowState& state = states_[flow.slot];
    state.protocol = flow.key.protocol;
    return state;
  }

  ndpi_flow_struct* acquire() {
    ndpi_flow_struct* flow = nullptr;
    if (pool_.empty()) {
      flow = static_cast<ndpi_flow_struct*>(std::malloc(sizeof(ndpi_flow_struct)));
      DPI_CHECK(flow != nullptr);
    } else {
      flow = pool_.back();
      pool_.pop_back();
    }
    std::memset(flow, 0, sizeof *flow);
    return flow;
  }

  void release(FlowState& state) {
    if (state.ndpi == nullptr) return;
    ndpi_free_flow_data(state.ndpi);
    if (pool_.size() < pool_max) {
      pool_.push_back(state.ndpi);
    } else {
      std::free(state.ndpi);
    }
    state.ndpi = nullptr;
  }

  // Headers and the head of the payload.
  static std::size_t packet_bytes(const PacketView& view) noexcept {
    const std::size_t behind_headers =
        view.payload.empty()
            ? 0
            : view.payload.size() - std::min(view.payload.size(), payload_bytes_max);
    return std::min(view.l3.size() - std::min(view.l3.size(), behind_headers), packet_bytes_max);
  }

  // A copy with zero padding behind it, and with the IP length made true where the capture, or we,
  // cut the packet (nDPI ignores packets shorter than their IP length).
  Bytes prepare(const PacketView& view) {
    if (view.l3.empty()) return prepare_datagram(view);
    const std::size_t size = packet_bytes(view);
    std::copy_n(view.l3.begin(), size, packet_.begin());
    std::fill_n(packet_.begin() + static_cast<std::ptrdiff_t>(size), padding_bytes,
                std::uint8_t{0});
    if (view.ip_version == 4 && size >= 20) {
      packet_[2] = static_cast<std::uint8_t>(size >> 8U);
      packet_[3] = static_cast<std::uint8_t>(size & 0xffU);
    } else if (view.ip_version == 6 && size >= 40) {
      packet_[4] = static_cast<std::uint8_t>((size - 40) >> 8U);
      packet_[5] = static_cast<std::uint8_t>((size - 40) & 0xffU);
    }
    return Bytes{packet_}.first(size);
  }

  // A datagram put together from fragments has no IP header of its own: it gets a plain one.
  Bytes prepare_datagram(const PacketView& view) {
    const std::size_t header = view.ip_version == 4 ? 20 : 40;
    const std::size_t beyond =
        view.payload.size() - std::min(view.payload.size(), payload_bytes_max);
    const std::size_t size = header + std::min(view.l4.size() - beyond, packet_bytes_max - header);
    std::fill_n(packet_.begin(), header, std::uint8_t{0});
    const Bytes src = view.src.wire();
    const Bytes dst = view.dst.wire();
    if (view.ip_version == 4) {
      packet_[0] = 0x45;
      packet_[2] = static_cast<std::uint8_t>(size >> 8U);
      packet_[3] = static_cast<std::uint8_t>(size & 0xffU);
      packet_[8] = view.ttl;
      packet_[9] = view.protocol;
    } else {
      packet_[0] = 0x60;
      packet_[4] = static_cast<std::uint8_t>((size - header) >> 8U);
      packet_[5] = static_cast<std::uint8_t>((size - header) & 0xffU);
      packet_[6] = view.protocol;
      packet_[7] = view.ttl;
    }
    const auto addresses = static_cast<std::ptrdiff_t>(header - 2 * src.size());
    const auto behind = std::copy(src.begin(), src.end(), packet_.begin() + addresses);
    std::copy(dst.begin(), dst.end(), behind);
    const auto end = std::copy_n(view.l4.begin(), size - header,
                                 packet_.begin() + static_cast<std::ptrdiff_t>(header));
    std::fill_n(end, padding_bytes, std::uint8_t{0});
    return Bytes{packet_}.first(size);
  }

  // Ends inspection: what nDPI found, else its guess by port and address.
  void settle(const Flow& flow, FlowState& state) {
    state.settled = true;
    if (state.result.app_protocol == NDPI_PROTOCOL_UNKNOWN) {
      guess(flow, state);
    }
    if (state.ndpi != nullptr) {
      state.confidence = state.ndpi->confidence;
      state.risk = state.ndpi->risk;
      if (state.ndpi->category != NDPI_PROTOCOL_CATEGORY_UNSPECIFIED)
        state.result.category = state.ndpi->category;
    }
    release(state);
  }

  void guess(const Flow& flow, FlowState& state) {
    if (state.ndpi != nullptr) {
      std::uint8_t guessed = 0;
      state.result = ndpi_detection_giveup(module_, state.ndpi, 1, &guessed);
      if (state.result.app_protocol != NDPI_PROTOCOL_UNKNOWN && guessed == 0)
        state.decided_at_packet = state.seen;
      return;
    }
    // Without a flow structure the release also looks at the addresses.
    const Endpoint& src = flow.endpoint(flow.initiator);
    const Endpoint& dst = flow.endpoint(other(flow.initiator));
    state.result = ndpi_guess_undetected_protocol(
        module_, nullptr, flow.key.protocol, v4(src.address), src.port, v4(dst.address), dst.port);
    if (state.result.app_protocol == NDPI_PROTOCOL_UNKNOWN) return;
    const bool by_address = known_host(src.address) || known_host(dst.address);
    state.confidence = by_address ? NDPI_CONFIDENCE_MATCH_BY_IP : NDPI_CONFIDENCE_MATCH_BY_PORT;
  }

  [[nodiscard]] bool known_host(const IpAddress& address) const noexcept {
    if (address.v6) return false;
    in_addr wire{};
    wire.s_addr = htonl(v4(address));
    return ndpi_network_ptree_match(module_, &wire) != NDPI_PROTOCOL_UNKNOWN;
  }

  // Host byte order, as the guess wants it; IPv6 has no address guess in 4.2.
  static std::uint32_t v4(const IpAddress& address) noexcept {
    if (address.v6) return 0;
    const auto& b = address.bytes;
    return std::uint32_t{b[0]} << 24U | std::uint32_t{b[1]} << 16U | std::uint32_t{b[2]} << 8U |
           b[3];
  }

  Verdict describe(const FlowState& state) {
    Verdict out;
    ndpi_protocol result = state.result;
    if (result.master_protocol == NDPI_PROTOCOL_UNKNOWN)
      result.master_protocol = result.app_protocol;
    out.master = ndpi_get_proto_name(module_, result.master_protocol);
    out.app = ndpi_get_proto_name(module_, result.app_protocol);
    out.category = ndpi_category_get_name(module_, result.category);
    out.confidence = ndpi_confidence_get_name(state.confidence);
    out.decided_at_packet = state.decided_at_packet;
    std::uint16_t client = 0;
    std::uint16_t server = 0;
    out.risk_score = ndpi_risk2score(state.risk, &client, &server);
    for (std::size_t i = 0; i < risk_names_.size(); ++i) {
      if ((state.risk >> i & 1U) != 0) out.risks.push_back(risk_names_[i]);
    }
    std::sort(out.risks.begin(), out.risks.end());
    out.risks.erase(std::unique(out.risks.begin(), out.risks.end()), out.risks.end());
    return out;
  }

  ndpi_detection_module_struct* module_;
  ClassifierLimits limits_;
  ByteBuffer packet_;
  std::vector<FlowState> states_;  // by the flow's slot
  std::vector<ndpi_flow_struct*> pool_;
  std::array<std::string, NDPI_MAX_RISK> risk_names_;
};

}  // namespace

std::string ndpi_library_version() {
  return ndpi_revision();
}

Result<std::unique_ptr<Classifier>> open_ndpi_classifier(ClassifierLimits limits) {
  if (ndpi_detection_get_sizeof_ndpi_flow_struct() != sizeof(ndpi_flow_struct)) {
    return fail(Errc::failure,
                "libndpi at run time is not the release this probe was built with; install "
                "libndpi4.2 or rebuild");
  }
  ndpi_detection_module_struct* const module = ndpi_init_detection_module(ndpi_no_prefs);
  if (module == nullptr)
    return fail(Errc::failure, "nDPI could not be initialised: out of memory?");
  NDPI_PROTOCOL_BITMASK all;
  NDPI_BITMASK_SET_ALL(all);
  ndpi_set_protocol_detection_bitmask2(module, &all);
  ndpi_finalize_initialization(module);
  return std::make_unique<NdpiClassifier>(module, limits);
}

}  // namespace dpi
