// CUDA graphs: capture of a stream and replay (core/graph.h).
#pragma once

#include "core/allocator/caching_allocator.h"
#include "core/cuda/handle.h"
#include "core/cuda/stream.h"
#include "core/graph.h"
#include "core/intrusive_ptr.h"
#include "core/storage.h"

namespace iolaus::cuda {

class CudaGraph final : public Graph {
 public:
  /// pool: the private pool that it shares; none: one of its own.
  CudaGraph(int device, const CudaGraph* share_pool_with);
  ~CudaGraph() override;
  CudaGraph(const CudaGraph&) = delete;
  CudaGraph& operator=(const CudaGraph&) = delete;

  void capture(const std::function<void()>& body) override;
  void replay() override;
  size_t node_count() const override { return nodes_; }
  int device() const { return device_; }

 private:
  void instantiate(cudaGraph_t graph);

  int device_;
  PoolId pool_;
  IntrusivePtr<Storage> random_state_;  // {seed, offset}, which captured kernels read
  uint64_t random_keys_ = 0;            // that each replay uses up
  size_t nodes_ = 0;
  Handle<cudaGraphExec_t, cudaGraphExecDestroy> exec_;
};

}  // namespace iolaus::cuda
