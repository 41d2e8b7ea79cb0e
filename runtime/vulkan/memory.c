#include "vulkan/memory.h"

#if LAZULI_VULKAN

#include <stdlib.h>
#include <string.h>

#include "core/error.h"

typedef struct vk_piece vk_piece;

/* What buffer->handle points to. */
typedef struct vk_block {
  VkBuffer buffer;
  VkDeviceMemory memory;
  uint64_t address;
  vk_piece* piece; /* small blocks: what they are made of */
} vk_block;

/* Drivers count allocations: small blocks share one. Pieces of one size each,
 * kept on a list of their own when they come back. */
#define CHUNK_BYTES ((size_t)1 << 20)
#define CHUNK_LIMIT ((size_t)64 << 10)
enum { CHUNK_CLASSES = 11 }; /* 64 B, 128 B, … 64 KiB */

struct vk_piece {
  vk_piece* next;
  char* data;
  uint64_t address;
};

static struct {
  vk_device* device;
  pthread_mutex_t lock;
  vk_piece* free[CHUNK_CLASSES];
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int vk_memory_type(
    vk_device* d, uint32_t bits, VkMemoryPropertyFlags want) {
  for (uint32_t i = 0; i < d->memory.memoryTypeCount; i++)
    if ((bits & (UINT32_C(1) << i)) &&
        (d->memory.memoryTypes[i].propertyFlags & want) == want)
      return (int)i;
  return -1;
}

static int vk_visible_type(vk_device* d, uint32_t bits) {
  const VkMemoryPropertyFlags seen = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                     VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  const VkMemoryPropertyFlags best[] = {
      seen | VK_MEMORY_PROPERTY_HOST_CACHED_BIT |
          VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT,
      seen | VK_MEMORY_PROPERTY_HOST_CACHED_BIT,
      seen};
  for (size_t i = 0; i < sizeof best / sizeof *best; i++) {
    int type = vk_memory_type(d, bits, best[i]);
    if (type >= 0) return type;
  }
  return -1;
}

static void vk_block_free(vk_device* d, vk_block* b) {
  if (b->buffer) vk.vkDestroyBuffer(d->device, b->buffer, NULL);
  if (b->memory) vk.vkFreeMemory(d->device, b->memory, NULL);
  free(b);
}

static VkResult vk_block_buffer(
    vk_device* d, vk_block* b, size_t bytes, const void* external) {
  VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .pNext = external,
      .size = bytes,
      .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
               VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT};
  return vk.vkCreateBuffer(d->device, &info, NULL, &b->buffer);
}

static VkResult vk_block_memory(
    vk_device* d, vk_block* b, size_t bytes, int type, const void* more) {
  VkMemoryAllocateFlagsInfo flags = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
      .pNext = more,
      .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
  VkMemoryAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .pNext = &flags,
      .allocationSize = bytes,
      .memoryTypeIndex = (uint32_t)type};
  VkResult r = vk.vkAllocateMemory(d->device, &info, NULL, &b->memory);
  if (r != VK_SUCCESS) return r;
  r = vk.vkBindBufferMemory(d->device, b->buffer, b->memory, 0);
  if (r != VK_SUCCESS) return r;
  VkBufferDeviceAddressInfo address = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO,
      .buffer = b->buffer};
  b->address = vk.vkGetBufferDeviceAddress(d->device, &address);
  return b->address ? VK_SUCCESS : VK_ERROR_UNKNOWN;
}

/* A block of its own with mapped memory; NULL with a message. */
static vk_block* vk_block_new(vk_device* d, size_t bytes, void** data) {
  vk_block* b = calloc(1, sizeof *b);
  if (!b) return error_memory();
  VkMemoryRequirements need;
  VkResult r = vk_block_buffer(d, b, bytes, NULL);
  if (r == VK_SUCCESS) {
    vk.vkGetBufferMemoryRequirements(d->device, b->buffer, &need);
    int type = vk_visible_type(d, need.memoryTypeBits);
    r = type < 0 ? VK_ERROR_FEATURE_NOT_PRESENT
                 : vk_block_memory(d, b, need.size, type, NULL);
  }
  if (r == VK_SUCCESS)
    r = vk.vkMapMemory(d->device, b->memory, 0, VK_WHOLE_SIZE, 0, data);
  if (r == VK_SUCCESS) return b;
  vk_block_free(d, b);
  return error_set(
      "[vulkan] no device memory for %zu bytes (code %d)", bytes, (int)r);
}

static int vk_class(size_t bytes) {
  int c = 0;
  while (((size_t)64 << c) < bytes) c++;
  return c;
}

/* A new chunk cut into pieces of one class. Lock held. */
static int vk_chunk_new(vk_device* d, int class) {
  void* data;
  vk_block* b = vk_block_new(d, CHUNK_BYTES, &data);
  if (!b) return 1;
  size_t size = (size_t)64 << class;
  for (size_t at = CHUNK_BYTES; at >= size; at -= size) {
    vk_piece* piece = malloc(sizeof *piece);
    if (!piece) break;
    *piece = (vk_piece){
        pool.free[class], (char*)data + at - size, b->address + at - size};
    pool.free[class] = piece;
  }
  free(b); /* chunks stay for the life of the process */
  return 0;
}

static int vk_allocate(lz_buffer* b, size_t bytes) {
  if (bytes > CHUNK_LIMIT) {
    vk_block* block = vk_block_new(pool.device, bytes, &b->data);
    b->handle = block;
    return block == NULL;
  }
  int class = vk_class(bytes);
  vk_block* block = calloc(1, sizeof *block);
  if (!block) return error_memory() == NULL;
  pthread_mutex_lock(&pool.lock);
  int failed = !pool.free[class] && vk_chunk_new(pool.device, class);
  vk_piece* piece = pool.free[class];
  if (piece) pool.free[class] = piece->next;
  pthread_mutex_unlock(&pool.lock);
  if (!piece || failed) {
    free(block);
    return 1;
  }
  block->address = piece->address;
  block->piece = piece;
  b->data = piece->data;
  b->handle = block;
  return 0;
}

static void vk_release(lz_buffer* b) {
  vk_block* block = b->handle;
  if (!block->piece) {
    vk_block_free(pool.device, block);
    return;
  }
  vk_piece* piece = block->piece;
  int class = vk_class(b->block);
  pthread_mutex_lock(&pool.lock);
  piece->next = pool.free[class];
  pool.free[class] = piece;
  pthread_mutex_unlock(&pool.lock);
  free(block);
}

static void vk_forget(lz_buffer* b) {
  vk_block_free(pool.device, b->handle);
  b->handle = NULL;
}

void vk_memory_init(vk_device* d) {
  static const alloc_device half = {vk_allocate, vk_release, vk_forget};
  pool.device = d;
  alloc_set_device(&half);
}

/* The pages that hold the buffer, as device memory. */
static vk_block* vk_import(vk_device* d, const lz_buffer* b) {
  size_t page = d->import_alignment;
  uintptr_t first = (uintptr_t)b->data & ~(page - 1);
  uintptr_t last = ((uintptr_t)b->data + b->size + page - 1) & ~(page - 1);
  VkMemoryHostPointerPropertiesEXT host = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT};
  const VkExternalMemoryHandleTypeFlagBits kind =
      VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
  if (vk.vkGetMemoryHostPointerPropertiesEXT(
          d->device, kind, (void*)first, &host) != VK_SUCCESS)
    return NULL;
  vk_block* block = calloc(1, sizeof *block);
  if (!block) return NULL;
  VkExternalMemoryBufferCreateInfo outside = {
      .sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO,
      .handleTypes = kind};
  VkImportMemoryHostPointerInfoEXT pointer = {
      .sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT,
      .handleType = kind,
      .pHostPointer = (void*)first};
  size_t bytes = last - first;
  VkResult r = vk_block_buffer(d, block, bytes, &outside);
  if (r == VK_SUCCESS) {
    VkMemoryRequirements need;
    vk.vkGetBufferMemoryRequirements(d->device, block->buffer, &need);
    int type = vk_memory_type(d, need.memoryTypeBits & host.memoryTypeBits, 0);
    r = type < 0 || need.size > bytes
            ? VK_ERROR_FEATURE_NOT_PRESENT
            : vk_block_memory(d, block, bytes, type, &pointer);
  }
  if (r != VK_SUCCESS) {
    vk_block_free(d, block);
    return NULL;
  }
  block->address += (uintptr_t)b->data - first;
  return block;
}

static uint64_t vk_make_addressable(vk_device* d, lz_buffer* b) {
  if (b->handle) return ((vk_block*)b->handle)->address;
  vk_block* block = d->import_alignment ? vk_import(d, b) : NULL;
  if (!block) {
    void* copy;
    block = vk_block_new(d, b->size ? b->size : 1, &copy);
    if (!block) return 0;
    memcpy(copy, b->data, b->size);
  }
  b->handle = block;
  return block->address;
}

uint64_t vk_address(vk_device* d, lz_buffer* b) {
  if (b->device) return ((vk_block*)b->handle)->address;
  /* Streams may meet over a host buffer. */
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&lock);
  uint64_t address = vk_make_addressable(d, b);
  pthread_mutex_unlock(&lock);
  return address;
}

#endif
