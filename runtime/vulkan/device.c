#include "vulkan/device.h"

#if LAZULI_VULKAN

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

vk_functions vk;

static vk_device the_device;
static bool opened;
static char why[160] = "not looked for";
static pthread_once_t once = PTHREAD_ONCE_INIT;

int vk_fail(const char* what, VkResult result) {
  return error_fail("[vulkan] %s failed with code %d", what, (int)result);
}

static void vk_refuse(const char* text) {
  snprintf(why, sizeof why, "%s", text);
}

static bool vk_load(PFN_vkGetInstanceProcAddr get, VkInstance instance) {
  bool all = true;
#define VK_LOADER(name) \
  if (!instance) all = (vk.name = (PFN_##name)get(NULL, #name)) && all;
#define VK_INSTANCE(name) \
  if (instance) all = (vk.name = (PFN_##name)get(instance, #name)) && all;
#include "vulkan/functions.def"
  return all;
}

static void vk_load_device(VkDevice device) {
#define VK_DEVICE(name) \
  vk.name = (PFN_##name)vk.vkGetDeviceProcAddr(device, #name);
#include "vulkan/functions.def"
}

static PFN_vkGetInstanceProcAddr vk_loader(void) {
  void* library = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) return NULL;
  return (PFN_vkGetInstanceProcAddr)dlsym(library, "vkGetInstanceProcAddr");
}

static VkResult vk_create_instance(vk_device* d) {
  VkApplicationInfo app = {
      .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
      .pApplicationName = "lazuli",
      .apiVersion = VK_API_VERSION_1_2};
  VkInstanceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
      .pApplicationInfo = &app};
  return vk.vkCreateInstance(&info, NULL, &d->instance);
}

static int vk_rank(VkPhysicalDeviceType type) {
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return 4;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return 3;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return 2;
    default:
      return 1;
  }
}

/* The best device that can address memory by pointer. */
static bool vk_choose(vk_device* d) {
  VkPhysicalDevice all[16];
  uint32_t n = 16;
  VkResult r = vk.vkEnumeratePhysicalDevices(d->instance, &n, all);
  if ((r != VK_SUCCESS && r != VK_INCOMPLETE) || n == 0) {
    vk_refuse("Vulkan has no driver here");
    return false;
  }
  int best = 0;
  for (uint32_t i = 0; i < n; i++) {
    VkPhysicalDeviceProperties2 p = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
    vk.vkGetPhysicalDeviceProperties2(all[i], &p);
    if (p.properties.apiVersion < VK_API_VERSION_1_2) continue;
    VkPhysicalDeviceVulkan12Features f12 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
    VkPhysicalDeviceFeatures2 f = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &f12};
    vk.vkGetPhysicalDeviceFeatures2(all[i], &f);
    if (!f12.bufferDeviceAddress || !f.features.shaderInt64) continue;
    int rank = vk_rank(p.properties.deviceType);
    if (rank <= best) continue;
    best = rank;
    d->physical = all[i];
    d->properties = p.properties;
  }
  if (!best)
    vk_refuse(
        "no Vulkan 1.2 device with buffer device addresses and 64-bit "
        "integers");
  d->hardware = best > 1;
  return best > 0;
}

static bool vk_family(vk_device* d) {
  VkQueueFamilyProperties families[32];
  uint32_t n = 32;
  vk.vkGetPhysicalDeviceQueueFamilyProperties(d->physical, &n, families);
  for (uint32_t i = 0; i < n; i++)
    if (families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) {
      uint32_t bits = families[i].timestampValidBits;
      d->family = i;
      d->timestamp_ns = bits ? d->properties.limits.timestampPeriod : 0;
      d->timestamp_mask = bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
      return true;
    }
  vk_refuse("the Vulkan device has no compute queue");
  return false;
}

static bool vk_has_extension(const vk_device* d, const char* name) {
  uint32_t n = 0;
  vk.vkEnumerateDeviceExtensionProperties(d->physical, NULL, &n, NULL);
  VkExtensionProperties* all = calloc(n ? n : 1, sizeof *all);
  if (!all) return false;
  vk.vkEnumerateDeviceExtensionProperties(d->physical, NULL, &n, all);
  bool found = false;
  for (uint32_t i = 0; i < n; i++)
    found = found || strcmp(all[i].extensionName, name) == 0;
  free(all);
  return found;
}

static VkResult vk_create_device(vk_device* d) {
  const char* import = VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME;
  bool imports = vk_has_extension(d, import);
  if (imports) {
    VkPhysicalDeviceExternalMemoryHostPropertiesEXT host = {
        .sType =
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT};
    VkPhysicalDeviceProperties2 p = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
        .pNext = &host};
    vk.vkGetPhysicalDeviceProperties2(d->physical, &p);
    d->import_alignment = host.minImportedHostPointerAlignment;
  }
  VkPhysicalDeviceVulkan12Features have12 = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
  VkPhysicalDeviceVulkan11Features have11 = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES,
      .pNext = &have12};
  VkPhysicalDeviceFeatures2 have = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &have11};
  vk.vkGetPhysicalDeviceFeatures2(d->physical, &have);
  d->narrow = have12.storageBuffer8BitAccess && have12.shaderInt8 &&
              have11.storageBuffer16BitAccess && have.features.shaderInt16;
  d->half = d->narrow && have12.shaderFloat16;
  VkPhysicalDeviceVulkan12Features want12 = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
      .bufferDeviceAddress = VK_TRUE,
      .storageBuffer8BitAccess = d->narrow,
      .shaderInt8 = d->narrow,
      .shaderFloat16 = d->half};
  VkPhysicalDeviceVulkan11Features want11 = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES,
      .pNext = &want12,
      .storageBuffer16BitAccess = d->narrow};
  VkPhysicalDeviceFeatures2 want = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
      .pNext = &want11,
      .features = {.shaderInt64 = VK_TRUE, .shaderInt16 = d->narrow}};
  float priority = 1;
  VkDeviceQueueCreateInfo queue = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
      .queueFamilyIndex = d->family,
      .queueCount = 1,
      .pQueuePriorities = &priority};
  VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .pNext = &want,
      .queueCreateInfoCount = 1,
      .pQueueCreateInfos = &queue,
      .enabledExtensionCount = imports,
      .ppEnabledExtensionNames = &import};
  VkResult r = vk.vkCreateDevice(d->physical, &info, NULL, &d->device);
  if (r != VK_SUCCESS) return r;
  vk_load_device(d->device);
  if (!vk.vkGetMemoryHostPointerPropertiesEXT) d->import_alignment = 0;
  vk.vkGetDeviceQueue(d->device, d->family, 0, &d->queue);
  vk.vkGetPhysicalDeviceMemoryProperties(d->physical, &d->memory);
  pthread_mutex_init(&d->queue_lock, NULL);
  return VK_SUCCESS;
}

/* After fork() the driver's threads are gone: the child has no device. */
static void vk_in_child(void) {
  opened = false;
  vk_refuse("the device belongs to the parent of this forked process");
}

static void vk_open_once(void) {
  vk_device* d = &the_device;
  PFN_vkGetInstanceProcAddr get = vk_loader();
  if (!get || !vk_load(get, NULL)) {
    vk_refuse("no Vulkan loader (libvulkan.so.1)");
    return;
  }
  if (vk_create_instance(d) != VK_SUCCESS || !vk_load(get, d->instance)) {
    vk_refuse("Vulkan has no driver here");
    return;
  }
  if (!vk_choose(d) || !vk_family(d)) return;
  if (vk_create_device(d) != VK_SUCCESS) {
    vk_refuse("the Vulkan device could not be opened");
    return;
  }
  opened = true;
  pthread_atfork(NULL, NULL, vk_in_child);
}

vk_device* vk_open(void) {
  pthread_once(&once, vk_open_once);
  return opened ? &the_device : NULL;
}

const char* vk_why_not(void) {
  return why;
}

#endif
