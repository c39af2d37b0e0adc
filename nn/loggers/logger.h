// Logger: where a run's numbers, texts and pictures go. The trainer calls it; a logger writes to
// files of its own folder (nn/loggers/log_directory.h) and throws kIo, naming the path, where it
// cannot. The names are Lightning's.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/tensor.h"

namespace iolaus::config {
class Node;
}

namespace iolaus::nn {

class Module;

/// Metrics by name: "train/loss", "epoch", "lr-SGD".
using Metrics = std::map<std::string, double>;

class Logger {
 public:
  virtual ~Logger();
  /// Metrics of one moment; step counts optimizer steps over all epochs. A metric "epoch" is among
  /// them.
  virtual void log_metrics(const Metrics& metrics, int64_t step) = 0;
  /// The run's composed and resolved config (called once, before training). Default: nothing.
  virtual void log_hyperparams(const config::Node& config);
  /// How values are distributed; a floating or integer tensor of any shape. Default: nothing.
  virtual void log_histogram(const std::string& name, const Tensor& values, int64_t step);
  /// A picture, (C, H, W) with 1, 3 or 4 channels: uint8, or floats in [0, 1]. Default: nothing.
  virtual void log_image(const std::string& name, const Tensor& image, int64_t step);
  /// Default: nothing.
  virtual void log_text(const std::string& name, const std::string& text, int64_t step);
  /// The operations of one forward pass, in the tree of modules; input_sizes with the batch.
  /// Default: nothing.
  virtual void log_graph(Module& model, const Dims& input_sizes);
  /// Everything so far is on disk when it returns. Default: nothing is held back.
  virtual void save();
  /// "success", "failed", "interrupted"; also saves.
  virtual void finalize(const std::string& status);

  /// Name and version of the experiment, "lightning_logs" and "0"; empty where there is none.
  virtual std::string name() const;
  virtual std::string version() const;
  /// The folder of its files; empty where there is none.
  virtual std::string log_dir() const;
};

}  // namespace iolaus::nn
