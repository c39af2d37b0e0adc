// ModelSummary: the table of a model's modules that is shown before training, in the look of
// Lightning's ModelSummary, with sizes and operations from one forward pass of an example.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nn/module.h"

namespace iolaus::nn {

struct LayerSummary {
  std::string name, type;  // "layers.0", "Conv2d"
  int64_t params = 0;      // with those of modules below, each once
  bool training = true;
  // Of the example's pass; nothing where the module was not called, or not through operator().
  std::optional<Dims> in, out;  // of its first call
  std::optional<double> flops;  // of all its calls
};

struct ModelSummary {
  std::vector<LayerSummary> layers;
  int64_t total_params = 0, trainable_params = 0;
  double megabytes = 0;  // of parameters, 1e6 bytes each
  int64_t modules_in_train = 0, modules_in_eval = 0;
  double flops = 0;  // of matrix products, convolutions and attention
  bool has_example = false;

  /// The table, without a line end at its end.
  std::string str() const;
};

/// max_depth: how many levels of modules are listed; -1 all, 0 none. example: a batch that forward
/// takes; it runs in evaluation mode and without gradients, and changes nothing. Errors: those of
/// forward; kInvalidArgument for another max_depth.
ModelSummary summarize(Module& model, int64_t max_depth = 1, const Tensor& example = {});

/// "0  ", "132 K", "2.6 M", "1,234 T": a count with at most three digits and a letter.
std::string human_count(double count);

}  // namespace iolaus::nn
