// Launches on the simulated device, with the signature that gpu.h gives kernels.
#pragma once

#include <driver_types.h>

#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include "core/cuda/sim/block.h"

namespace iolaus::sim {

/// Checks the configuration as the driver does and queues the grid; cudaGetLastError tells.
void launch_kernel(Grid grid, cudaStream_t stream);
/// A pointer that a kernel gets must be to device or pinned memory; else false, and the last error.
bool check_pointer_argument(const void* kernel, int position, const void* data);

template <class... P, class... A>
void launch(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared_bytes, cudaStream_t stream,
            A&&... args) {
  const void* address = reinterpret_cast<const void*>(kernel);
  // Copied when launched, as a GPU's arguments are.
  struct Call {
    void (*kernel)(P...);
    std::tuple<std::remove_cv_t<P>...> arguments;
  };
  auto call = std::make_shared<Call>(Call{kernel, {static_cast<P>(args)...}});
  int position = 0;
  const auto is_good = [&](const auto& value) {
    ++position;
    if constexpr (std::is_pointer_v<std::decay_t<decltype(value)>>) {
      return check_pointer_argument(address, position, value);
    }
    return true;
  };
  if (!std::apply([&](const auto&... value) { return (is_good(value) && ...); }, call->arguments)) {
    return;
  }
  launch_kernel({address, grid, block, shared_bytes, call, sizeof(Call),
                 [](const void* data) {
                   const auto& c = *static_cast<const Call*>(data);
                   std::apply(c.kernel, c.arguments);
                 }},
                stream);
}

}  // namespace iolaus::sim
