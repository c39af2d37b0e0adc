// Calls of the CUDA driver's virtual memory functions. Each page is an allocation of its own, whose
// handle is released once it is mapped: the mapping keeps it.
// Source: CUDA driver API, "Virtual Memory Management".
#include "core/cuda/mapped_memory.h"

#include <cuda.h>
#include <cudaTypedefs.h>

#include "core/cuda/capture.h"
#include "core/cuda/stream.h"
#include "core/error.h"

namespace iolaus::cuda {

struct DriverMemoryApi {
  PFN_cuDeviceGetAttribute_v2000 get_attribute;
  PFN_cuMemGetAllocationGranularity_v10020 granularity;
  PFN_cuMemAddressReserve_v10020 reserve;
  PFN_cuMemAddressFree_v10020 unreserve;
  PFN_cuMemCreate_v10020 create;
  PFN_cuMemRelease_v10020 release;
  PFN_cuMemMap_v10020 map;
  PFN_cuMemUnmap_v10020 unmap;
  PFN_cuMemSetAccess_v10020 set_access;
};

namespace {

constexpr size_t kProbePage = size_t{2} << 20;

template <class Fn> bool find(const char* name, unsigned version, Fn& function) {
  void* address = nullptr;
  cudaDriverEntryPointQueryResult found{};
  const cudaError_t status =
      cudaGetDriverEntryPointByVersion(name, &address, version, cudaEnableDefault, &found);
  if (status != cudaSuccess) cudaGetLastError();
  function = reinterpret_cast<Fn>(address);
  return status == cudaSuccess && found == cudaDriverEntryPointSuccess && address != nullptr;
}

std::unique_ptr<const DriverMemoryApi> load() {
  auto api = std::make_unique<DriverMemoryApi>();
  const bool complete =
      find("cuDeviceGetAttribute", 2000, api->get_attribute) &&
      find("cuMemGetAllocationGranularity", 10020, api->granularity) &&
      find("cuMemAddressReserve", 10020, api->reserve) &&
      find("cuMemAddressFree", 10020, api->unreserve) && find("cuMemCreate", 10020, api->create) &&
      find("cuMemRelease", 10020, api->release) && find("cuMemMap", 10020, api->map) &&
      find("cuMemUnmap", 10020, api->unmap) && find("cuMemSetAccess", 10020, api->set_access);
  return complete ? std::move(api) : nullptr;
}

CUdeviceptr pointer(const void* address) { return reinterpret_cast<uintptr_t>(address); }

// The runtime numbers devices as the driver does.
CUmemAllocationProp properties_of(const DriverMemoryApi& api, int device) {
  CUmemAllocationProp properties{};
  properties.type = CU_MEM_ALLOCATION_TYPE_PINNED;
  properties.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
  properties.location.id = device;
  int rdma = 0;
  if (api.get_attribute(&rdma, CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_WITH_CUDA_VMM_SUPPORTED,
                        device) == CUDA_SUCCESS &&
      rdma != 0) {
    properties.allocFlags.gpuDirectRDMACapable = 1;  // network cards may read it
  }
  return properties;
}

bool is_supported(const DriverMemoryApi& api, int device) {
  int supported = 0;
  size_t granularity = 0;
  const CUmemAllocationProp properties = properties_of(api, device);
  return api.get_attribute(&supported, CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED,
                           device) == CUDA_SUCCESS &&
         supported != 0 &&
         api.granularity(&granularity, &properties, CU_MEM_ALLOC_GRANULARITY_MINIMUM) ==
             CUDA_SUCCESS &&
         granularity > 0 && kProbePage % granularity == 0;
}

}  // namespace

MappedMemory::MappedMemory(int device) : device_(device), api_(load()) {}
MappedMemory::~MappedMemory() = default;

std::unique_ptr<MappedMemory> MappedMemory::create(int device) {
  const DeviceGuard guard(device);
  // The device's context exists from here on; driver calls need it.
  if (cudaFree(nullptr) != cudaSuccess) {
    cudaGetLastError();
    return nullptr;
  }
  std::unique_ptr<MappedMemory> memory(new MappedMemory(device));
  if (memory->api_ == nullptr || !is_supported(*memory->api_, device)) return nullptr;
  try {
    void* probe = memory->reserve(kProbePage);
    if (probe == nullptr) return nullptr;
    const bool mapped = memory->map(probe, kProbePage, kProbePage);
    if (mapped) memory->unmap(probe, kProbePage, kProbePage);
    memory->unreserve(probe, kProbePage);
    return mapped ? std::move(memory) : nullptr;
  } catch (const Error&) {
    return nullptr;  // plain allocations remain
  }
}

void* MappedMemory::reserve(size_t nbytes) {
  CUdeviceptr address = 0;
  if (api_->reserve(&address, nbytes, 0, 0, 0) != CUDA_SUCCESS) return nullptr;
  return reinterpret_cast<void*>(address);
}

void MappedMemory::unreserve(void* addresses, size_t nbytes) noexcept {
  static_cast<void>(api_->unreserve(pointer(addresses), nbytes));
}

bool MappedMemory::map(void* at, size_t nbytes, size_t page) {
  const DeviceGuard guard(device_);
  const AllowWhileCapturing allow;
  const CUmemAllocationProp properties = properties_of(*api_, device_);
  const CUdeviceptr begin = pointer(at);
  CUresult status = CUDA_SUCCESS;
  size_t mapped = 0;
  while (mapped < nbytes) {
    CUmemGenericAllocationHandle handle{};
    status = api_->create(&handle, page, &properties, 0);
    if (status != CUDA_SUCCESS) break;
    status = api_->map(begin + mapped, page, 0, handle, 0);
    static_cast<void>(api_->release(handle));
    if (status != CUDA_SUCCESS) break;
    mapped += page;
  }
  if (status == CUDA_SUCCESS) {
    CUmemAccessDesc access{};
    access.location = properties.location;
    access.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
    status = api_->set_access(begin, nbytes, &access, 1);
  }
  if (status == CUDA_SUCCESS) return true;
  for (size_t offset = 0; offset < mapped; offset += page) {
    static_cast<void>(api_->unmap(begin + offset, page));
  }
  IOLAUS_CHECK_CODE(status == CUDA_ERROR_OUT_OF_MEMORY, ErrorCode::kDevice,
                    "[allocator] mapping {} bytes failed: CUDA driver error {}", nbytes,
                    static_cast<int>(status));
  return false;
}

// Unlike cudaFree, unmapping waits for nothing by itself.
void MappedMemory::unmap(void* at, size_t nbytes, size_t page) noexcept {
  int previous = 0;
  const bool switched = cudaGetDevice(&previous) == cudaSuccess && previous != device_ &&
                        cudaSetDevice(device_) == cudaSuccess;
  static_cast<void>(cudaDeviceSynchronize());
  for (size_t offset = 0; offset < nbytes; offset += page) {
    static_cast<void>(api_->unmap(pointer(at) + offset, page));
  }
  if (switched) static_cast<void>(cudaSetDevice(previous));
}

}  // namespace iolaus::cuda
