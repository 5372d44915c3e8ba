#include "probe/base/shared_memory.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace dpi {

void Unmap::operator()(void* memory) const noexcept {
  ::munmap(memory, bytes);
}

Result<SharedMemory> SharedMemory::map(std::size_t bytes) {
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)  // NOLINT(*-int-to-ptr): the C library's macro
    return fail(Errc::failure, std::to_string(bytes >> 10U) +
                                   " KiB of shared memory: " + std::strerror(errno) +
                                   "; fewer or shorter queues (workers.batches) need less");
  SharedMemory out;
  out.memory_ = std::unique_ptr<void, Unmap>(memory, Unmap{bytes});
  return out;
}

}  // namespace dpi
