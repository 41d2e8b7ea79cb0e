/* The Vulkan device: one a process, opened on first use. */
#ifndef VULKAN_DEVICE_H
#define VULKAN_DEVICE_H

#include <pthread.h>
#include <stdbool.h>
#define VK_NO_PROTOTYPES
#include <vulkan/vulkan.h>

typedef struct vk_device {
  VkInstance instance;
  VkPhysicalDevice physical;
  VkDevice device;
  VkQueue queue;
  pthread_mutex_t queue_lock; /* streams share the queue */
  uint32_t family;
  VkPhysicalDeviceProperties properties;
  VkPhysicalDeviceMemoryProperties memory;
  double timestamp_ns; /* of one tick; 0: no timestamps */
  uint64_t timestamp_mask;
  size_t import_alignment; /* 0: host memory cannot be imported */
  bool hardware;
  bool narrow; /* 8- and 16-bit storage */
  bool half;   /* 16-bit floats in shaders */
} vk_device;

/* The device, or NULL: device_why_not() tells. */
vk_device* vk_open(void);
const char* vk_why_not(void);

/* vk.vkCreateBuffer(…): filled by vk_open(). */
typedef struct vk_functions {
#define VK_LOADER(name) PFN_##name name;
#define VK_INSTANCE(name) PFN_##name name;
#define VK_DEVICE(name) PFN_##name name;
#include "vulkan/functions.def"
} vk_functions;
extern vk_functions vk;

/* A message for a failed call: always 1. */
int vk_fail(const char* what, VkResult result);

#endif
