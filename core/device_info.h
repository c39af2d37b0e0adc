// What `iolaus doctor` says of CUDA: driver, runtime, devices and the libraries that are loaded
// when needed. The same in every build; one without CUDA says that.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace iolaus {

struct CudaDeviceInfo {
  std::string name;        // "NVIDIA H100 80GB HBM3"
  std::string capability;  // "9.0"
  uint64_t memory = 0;     // bytes
  int multiprocessors = 0;
};

struct LibraryInfo {
  std::string name;     // "cuBLASLt"
  std::string version;  // "13.0.2"; empty where it is not there
  std::string problem;  // why not
};

struct CudaInfo {
  bool built = false;           // whether this program has the CUDA code
  bool simulated = false;       // whether its devices are simulated on the host (core/cuda/sim)
  std::string problem;          // why no device can be used, else empty
  std::string driver_version;   // highest CUDA version of the driver, "13.0"; empty without driver
  std::string runtime_version;  // that this program was built with
  std::vector<CudaDeviceInfo> devices;
  std::vector<LibraryInfo> libraries;
};

/// Asks driver and libraries anew; loads the libraries for their versions.
CudaInfo cuda_info();
/// Whether CUDA is there and simulated: right, but slow; nothing should choose it unasked.
bool is_cuda_simulated();
/// Called by the CUDA code while the program starts.
void register_cuda_info(CudaInfo (*query)());

}  // namespace iolaus
