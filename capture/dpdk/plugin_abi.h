/* Between the probe and its DPDK plugin: the only functions and structures that cross. Plain C, so
   that neither side needs the other's compiler or libraries. Any change raises the version.

   One session per process: start(), then receive() on one thread per port and queue, release() on
   any thread, stop() once every buffer is released. The plugin is never unloaded: DPDK leaves
   threads behind. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DPI_DPDK_ABI_VERSION 1U
#define DPI_DPDK_BURST_MAX 64U
#define DPI_DPDK_PLUGIN_SYMBOL "dpi_dpdk_plugin"

typedef struct {
  const char* const* eal_arguments; /* without the program's name */
  uint32_t eal_argument_count;
  uint32_t queues;       /* per port, at least 1 */
  uint32_t descriptors;  /* receive descriptors of a queue; the driver may adjust them */
  uint32_t buffers;      /* of the pool of a port */
  uint32_t buffer_bytes; /* longest frame that needs no second buffer */
  uint32_t mtu_bytes;    /* 0: the driver's default */
  uint32_t memory_mib;   /* without huge pages */
  uint8_t huge_pages;
  uint8_t promiscuous;
} dpi_dpdk_options;

typedef struct {
  char name[64];
  char driver[64];
} dpi_dpdk_port;

typedef struct {
  const uint8_t* data;
  uint32_t bytes;
  int64_t time_ns;   /* since 1970, UTC */
  void* buffer;      /* to release(), unless it was copied */
  void* copy;        /* to release_copy(): the frame came in several buffers */
  uint16_t vlan_tci; /* of a tag that the interface has taken off */
  uint8_t vlan_stripped;
} dpi_dpdk_packet;

/* Of a port, since start(). */
typedef struct {
  uint64_t missed;    /* lost in the interface: no free descriptor */
  uint64_t no_buffer; /* the pool was empty */
  uint8_t link_up;
} dpi_dpdk_counters;

typedef struct {
  uint32_t abi_version;
  /* 0, or -1 with a text. notes: what DPDK said though it started, a line each; both NUL-ended. */
  int (*start)(const dpi_dpdk_options* options, char* notes, char* error, size_t text_bytes);
  uint32_t (*port_count)(void);
  void (*port)(uint32_t port, dpi_dpdk_port* out);
  /* At most DPI_DPDK_BURST_MAX packets; never waits. */
  uint32_t (*receive)(uint32_t port, uint32_t queue, dpi_dpdk_packet* out);
  void (*release)(void** buffers, uint32_t count);
  void (*release_copy)(void* copy);
  void (*counters)(uint32_t port, dpi_dpdk_counters* out);
  void (*stop)(void);
} dpi_dpdk_plugin_table;

#ifdef __cplusplus
}
#endif
