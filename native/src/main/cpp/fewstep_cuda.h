#ifndef FEWSTEP_CUDA_H
#define FEWSTEP_CUDA_H

/*
 * The kernels of fewstep on a CUDA device, as C functions.
 *
 * Every function that can fail returns a status: 0 for success, a cudaError_t (> 0), or one of the
 * FS_ constants below (< 0). Nothing is thrown. A failed creation leaves nothing behind.
 *
 * Addresses, of the device or of the host, are 64-bit integers; 0 stands for an output that is not
 * wanted. Arrays are row-major and dense, of float (FS_FLOAT32) or double (FS_FLOAT64) as the
 * argument `precision` says. Operations are enqueued on the stream of their context and return;
 * fs_read, fs_synchronize, and fs_write of more than 64 KiB wait. Arguments are checked by the caller: a wrong address
 * or size is undefined behaviour. One thread at a time may use a context.
 */

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Status ---- */

#define FS_SUCCESS 0
/* An argument that the callee can tell is wrong, such as a kind that it does not know. */
#define FS_INVALID_ARGUMENT (-1)
/* The host has no memory left. */
#define FS_OUT_OF_HOST_MEMORY (-2)
/* While a context records: a call that allocates, frees, waits, or copies from or to the host. */
#define FS_NOT_RECORDABLE (-3)

#define FS_FLOAT32 0
#define FS_FLOAT64 1

/* The name of a status, such as "cudaErrorMemoryAllocation", and a sentence about it. */
const char* fs_error_name(int status);
const char* fs_error_text(int status);

/* ---- Devices ---- */

typedef struct {
  char name[256];
  int major;           /* compute capability */
  int minor;
  int multiprocessors;
  int driver;          /* CUDA versions, 1000 major + 10 minor */
  int runtime;
  uint64_t memory;     /* bytes */
  int clock;           /* of the multiprocessors at most, in kHz; 0 if the driver does not tell */
  int memory_clock;    /* at most, in kHz; 0 if the driver does not tell */
  int memory_bus;      /* bits */
} fs_device;

/* The number of devices; a driver that is missing or too old is a status. */
int fs_device_count(int* count);
int fs_device_get(int device, fs_device* properties);

/* Whether this library has code that runs on a device: if not, cudaErrorNoKernelImageForDevice, or
   whatever its driver says of PTX that it cannot compile. */
int fs_device_check(int device);

/* ---- Contexts: a device and a stream ---- */

typedef struct fs_context fs_context;

/* A context on a device. stream is a cudaStream_t of the caller's that outlives the context, or 0
   for a stream of its own. */
int fs_open(int device, uint64_t stream, fs_context** context);

/* Waits for the stream, and frees all that is the context's own. */
int fs_close(fs_context* context);

uint64_t fs_stream(const fs_context* context);
int fs_synchronize(fs_context* context);

/* ---- Memory ---- */

/* Zeroed memory of the device, at least 256-byte aligned. */
int fs_allocate(fs_context* context, uint64_t bytes, uint64_t* address);
int fs_free(fs_context* context, uint64_t address);

/* Page-locked memory of the host, which copies at full speed. */
int fs_allocate_host(fs_context* context, uint64_t bytes, uint64_t* address);
int fs_free_host(fs_context* context, uint64_t address);

/* Copies from the host; the host's memory may be reused on return. */
int fs_write(fs_context* context, uint64_t device, uint64_t host, uint64_t bytes);

/* Copies to the host, and waits for it. */
int fs_read(fs_context* context, uint64_t host, uint64_t device, uint64_t bytes);

/* Copies on the device. */
int fs_copy(fs_context* context, uint64_t to, uint64_t from, uint64_t bytes);

/* ---- Graphs: calls recorded once, and enqueued again and again by one ---- */

/* From here on operations are recorded instead of run. Each must have been run before with the same
   shapes, so that the memory that it wants is there. */
int fs_record_begin(fs_context* context);

/* Ends the recording, whatever it returns. */
int fs_record_end(fs_context* context, uint64_t* graph);

/* Enqueues what was recorded, with the addresses and numbers of then. */
int fs_graph_launch(fs_context* context, uint64_t graph);

/* Waits, and frees a graph; all are freed before their context is closed. */
int fs_graph_free(fs_context* context, uint64_t graph);

/* ---- Events: marks in the stream, which tell the time of the device ---- */

int fs_event_create(fs_context* context, uint64_t* event);
int fs_event_destroy(fs_context* context, uint64_t event);

/* The event passes once everything enqueued before it is done. */
int fs_event_record(fs_context* context, uint64_t event);

/* Waits for the second of two recorded events, and tells the time between them. */
int fs_event_elapsed(fs_context* context, uint64_t start, uint64_t end, float* milliseconds);

#ifdef __cplusplus
}
#endif

#endif
