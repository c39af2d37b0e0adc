// What the tests of the simulated device share: buffers on it, and running a kernel that may fail.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/cuda/sim/options.h"
#include "core/cuda/sim/stream.h"
#include "kernels/gpu.h"

namespace iolaus::test {

/// Device memory with values; freed at its end.
template <class T> class Buffer {
 public:
  explicit Buffer(const std::vector<T>& values) : Buffer(values.size()) {
    REQUIRE(cudaMemcpy(data_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice) ==
            cudaSuccess);
  }
  explicit Buffer(size_t count) : count_(count) {
    REQUIRE(cudaMalloc(reinterpret_cast<void**>(&data_), count * sizeof(T)) == cudaSuccess);
  }
  ~Buffer() { cudaFree(data_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  T* get() const { return data_; }
  std::vector<T> values() const {
    std::vector<T> host(count_);
    REQUIRE(cudaMemcpy(host.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost) ==
            cudaSuccess);
    return host;
  }

 private:
  size_t count_;
  T* data_ = nullptr;
};

inline std::vector<float> counting(size_t n) {
  std::vector<float> values(n);
  for (size_t i = 0; i < n; ++i) values[i] = static_cast<float>(i);
  return values;
}

/// Runs a launch and waits; the diagnosis, or "" where all is well. The device is reset after it.
template <class... P, class... A>
std::string run(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared_bytes, A&&... args) {
  sim::launch(kernel, grid, block, shared_bytes, nullptr, std::forward<A>(args)...);
  cudaError_t status = cudaGetLastError();
  if (status == cudaSuccess) status = cudaDeviceSynchronize();
  const std::string text = status == cudaSuccess ? "" : cudaGetErrorString(status);
  sim::reset_device();
  return text;
}

/// The order of threads in a scope.
class OrderGuard {
 public:
  explicit OrderGuard(const char* order) : before_(sim::options()) {
    REQUIRE(sim::parse_order(order, sim::options()));
  }
  ~OrderGuard() { sim::options() = before_; }

 private:
  sim::Options before_;
};

inline bool contains(const std::string& text, const std::string& part) {
  const bool found = text.find(part) != std::string::npos;
  if (!found) MESSAGE("looked for '", part, "' in '", text, "'");
  return found;
}

}  // namespace iolaus::test
