// Versions of driver, runtime and libraries, and the devices, for `iolaus doctor`.
#include <cuda_runtime_api.h>
#include <fmt/core.h>

#include "core/cuda/stream.h"
#include "core/device_info.h"
#include "core/dynamic_library.h"

namespace iolaus::cuda {
namespace {

std::string cuda_version(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

// cuBLASLt and cuDNN pack their version as major * 10000 + minor * 100 + patch.
LibraryInfo library(const char* name, const DynamicLibrary& lib, const char* symbol) {
  LibraryInfo info{name, "", lib.problem()};
  if (!lib.is_open()) return info;
  auto* get_version = reinterpret_cast<size_t (*)()>(lib.find(symbol));
  if (get_version == nullptr) {
    info.problem = fmt::format("it has no {}", symbol);
    return info;
  }
  const size_t v = get_version();
  info.version = fmt::format("{}.{}.{}", v / 10000, v / 100 % 100, v % 100);
  return info;
}

// Its version is major * 1000 + minor * 100 + patch, through a pointer.
LibraryInfo cusolver() {
  const DynamicLibrary lib{"libcusolver.so.12", "libcusolver.so.11", "libcusolver.so"};
  LibraryInfo info{"cuSOLVER", "", lib.problem()};
  if (!lib.is_open()) return info;
  int v = 0;
  auto* get_version = reinterpret_cast<int (*)(int*)>(lib.find("cusolverGetVersion"));
  if (get_version == nullptr || get_version(&v) != 0) {
    info.problem = "it does not tell its version";
    return info;
  }
  info.version = fmt::format("{}.{}.{}", v / 1000, v / 100 % 10, v % 100);
  return info;
}

CudaInfo query() {
  CudaInfo info;
  info.built = true;
#if defined(IOLAUS_CUDA_SIM)
  info.simulated = true;
#endif
  int version = 0, count = 0;
  if (cudaRuntimeGetVersion(&version) == cudaSuccess) info.runtime_version = cuda_version(version);
  if (cudaDriverGetVersion(&version) == cudaSuccess && version > 0) {
    info.driver_version = cuda_version(version);
  }
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess) {
    // The runtime calls a missing driver an insufficient one.
    info.problem =
        info.driver_version.empty() ? "no NVIDIA driver was found" : cudaGetErrorString(status);
    cudaGetLastError();
    count = 0;
  }
  for (int device = 0; device < count; ++device) {
    const cudaDeviceProp& p = device_properties(device);
    info.devices.push_back(
        {p.name, fmt::format("{}.{}", p.major, p.minor), p.totalGlobalMem, p.multiProcessorCount});
  }
  info.libraries.push_back(library(
      "cuBLASLt", DynamicLibrary({"libcublasLt.so.13", "libcublasLt.so"}), "cublasLtGetVersion"));
  info.libraries.push_back(
      library("cuDNN", DynamicLibrary({"libcudnn.so.9", "libcudnn.so"}), "cudnnGetVersion"));
  info.libraries.push_back(cusolver());
  return info;
}

const bool kRegistered = [] {
  register_cuda_info(query);
  return true;
}();

}  // namespace
}  // namespace iolaus::cuda
