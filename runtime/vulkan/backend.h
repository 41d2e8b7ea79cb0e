/* The GPU backend, as the rest of the runtime sees it. */
#ifndef VULKAN_BACKEND_H
#define VULKAN_BACKEND_H

#include <stdbool.h>
#include <stddef.h>

#include "core/op.h"
typedef struct lz_program lz_program;

/* Devices that Vulkan offers for computing; 0 without a loader or a driver. The
 * first call looks; a software device counts. */
int vulkan_device_count(void);
/* Why there is none, for messages. */
const char* vulkan_why_not(void);
/* The device is a piece of hardware: a fit default device. */
bool vulkan_is_hardware(void);

/* The device's name and kind, and the bytes of its own memory; non-zero where
 * there is none. The texts last as long as the process. */
int vulkan_describe(const char** name, const char** kind, size_t* memory);

/* Queues one step on its stream's queue: a fused program, or (program NULL) the
 * operation through its gpu slot. Outputs are given memory before it returns;
 * sets x->deferred and reports kernel_end itself, from the device's clock, in
 * vulkan_finish(). Non-zero with a message on failure. */
int vulkan_run(lz_exec* x, const lz_program* program);

/* Whether this thread's last vulkan_run() failed for want of a kernel alone:
 * nothing was allocated or queued, and the host may compute the same outputs
 * once vulkan_finish() has returned. Never of float64, which no GPU stream
 * takes. */
bool vulkan_lacks_kernel(void);

/* Submits what is queued on the stream and waits for its end. Non-zero where
 * the device failed. */
int vulkan_finish(lz_stream* s);

#endif
