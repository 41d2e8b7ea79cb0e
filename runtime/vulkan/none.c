/* What the runtime is told where no Vulkan backend is built in. */
#include "core/error.h"
#include "vulkan/backend.h"

#if !LAZULI_VULKAN

int vulkan_device_count(void) {
  return 0;
}
const char* vulkan_why_not(void) {
  return "built without Vulkan";
}
bool vulkan_is_hardware(void) {
  return false;
}

int vulkan_describe(const char** name, const char** kind, size_t* memory) {
  (void)name, (void)kind, (void)memory;
  return 1;
}

int vulkan_run(lz_exec* x, const lz_program* program) {
  (void)program;
  return error_fail("[%s] built without Vulkan", x->op ? x->op->name : "fused");
}

bool vulkan_lacks_kernel(void) {
  return false;
}

int vulkan_finish(lz_stream* s) {
  (void)s;
  return 0;
}

#endif
