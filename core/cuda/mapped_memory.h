// Virtual memory of a device: addresses are reserved first and get memory page by page (cuMemMap).
// The functions are the driver's; they are asked for by name, so that the program neither links
// with libcuda nor needs it to start.
#pragma once

#include <cstddef>
#include <memory>

namespace iolaus::cuda {

struct DriverMemoryApi;

class MappedMemory {
 public:
  /// Null where driver or device cannot do it. A page is mapped and unmapped once, to be sure.
  static std::unique_ptr<MappedMemory> create(int device);
  ~MappedMemory();

  /// As the functions of MemorySource by these names.
  void* reserve(size_t nbytes);
  void unreserve(void* addresses, size_t nbytes) noexcept;
  bool map(void* at, size_t nbytes, size_t page);
  void unmap(void* at, size_t nbytes, size_t page) noexcept;

 private:
  explicit MappedMemory(int device);
  int device_;
  std::unique_ptr<const DriverMemoryApi> api_;
};

}  // namespace iolaus::cuda
