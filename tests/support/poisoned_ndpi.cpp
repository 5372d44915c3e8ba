// Preloaded into a probe: nDPI as somebody wishes it who knows what it does not survive. What a
// packet says after the mark POISON- is done with the worker that hands it over.
#include <dlfcn.h>
#include <ndpi/ndpi_api.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

using Process = ndpi_protocol (*)(ndpi_detection_module_struct*, ndpi_flow_struct*,
                                  const unsigned char*, unsigned short, u_int64_t);

[[noreturn]] void loop() {
  while (true) std::atomic_signal_fence(std::memory_order_seq_cst);
}

// Until there is no memory; then what a program does that does not look.
[[noreturn]] void hoard() {
  constexpr std::size_t bytes = std::size_t{64} << 20U;
  while (void* const memory = std::malloc(bytes)) std::memset(memory, 1, 1);
  std::abort();
}

void suffer(std::string_view packet) {
  constexpr std::string_view mark = "POISON-";
  const std::size_t at = packet.find(mark);
  if (at == std::string_view::npos) return;
  const std::string_view what = packet.substr(at + mark.size(), 4);
  if (what == "SEGV") std::raise(SIGSEGV);
  if (what == "ABRT") std::abort();
  if (what == "LOOP") loop();
  if (what == "MEMO") hoard();
}

}  // namespace

extern "C" ndpi_protocol ndpi_detection_process_packet(ndpi_detection_module_struct* module,
                                                       ndpi_flow_struct* flow,
                                                       const unsigned char* packet,
                                                       unsigned short size, u_int64_t time_ms) {
  static const auto real =
      reinterpret_cast<Process>(::dlsym(RTLD_NEXT, "ndpi_detection_process_packet"));
  suffer({reinterpret_cast<const char*>(packet), size});
  return real(module, flow, packet, size, time_ms);
}
