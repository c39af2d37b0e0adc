// The forward and backward pass of training batches as a CUDA graph (Trainer's cuda_graphs):
// recorded once, then launched as one, without the host's cost for each kernel. What the pass logs
// is noted while it is recorded, and logged again after each replay. A replay gives the bits that
// the eager pass would give, random numbers included. What the host computes in the pass (a number,
// a branch, the batch's index) stays as it was when recorded.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/graph.h"
#include "nn/data/dataset.h"
#include "nn/trainer/logged_values.h"

namespace iolaus::nn {

class GraphedPass {
 public:
  explicit GraphedPass(Device device) : device_(device) {}

  /// Whether run() takes the batch: the first few batches warm up (states, handles, plans are
  /// made), and a batch of other sizes than the first is not what was recorded.
  bool takes(const data::Batch& batch);
  /// The loss of the batch, a tensor of its own, with the gradients of params left in them. pass
  /// does the work on a batch in fixed memory, and is called once. Errors: kUnsupported for a pass
  /// that waits for the device or depends on the host, naming the op.
  Tensor run(const data::Batch& batch, const Tensors& params,
             const std::function<Tensor(const data::Batch&)>& pass);

  bool is_recording() const { return recording_; }
  /// A value that the pass logs while it is recorded.
  void note(const std::string& name, const Tensor& value, const LogOptions& options);
  struct Noted {
    std::string name;
    Tensor value;
    LogOptions options;
  };
  /// What the pass logs, of the last batch, as tensors of their own.
  std::vector<Noted> logged() const;

 private:
  void record(const data::Batch& batch, const Tensors& params,
              const std::function<Tensor(const data::Batch&)>& pass);

  Device device_;
  int warmed_up_ = 0;
  data::Batch fixed_;  // where each batch is copied to
  std::unique_ptr<Graph> graph_;
  bool recording_ = false;
  Tensor loss_;
  std::vector<std::pair<Tensor, Tensor>> gradients_;  // parameters and theirs
  std::vector<Noted> noted_;
};

}  // namespace iolaus::nn
