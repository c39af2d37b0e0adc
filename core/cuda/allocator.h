// The caching allocators of CUDA devices. Settings: core/allocator/allocator_config.h.
#pragma once

#include "core/allocator/caching_allocator.h"

namespace iolaus::cuda {

/// The allocator of a device, made at first use. Errors: kDevice, kConfig.
CachingAllocator& device_allocator(int device);
/// Gives the cached memory of all devices that have been used so far back.
void empty_device_caches();

}  // namespace iolaus::cuda
