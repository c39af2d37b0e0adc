// Checkpoints: a folder that appears whole or not at all, holding everything that training needs to
// go on. Files are written and synced in a temporary folder, a manifest with sizes and checksums
// last; then the folder is renamed. Only after that are older ones removed.
//
//   checkpoints/epoch=002-step=002814/{model,optimizer}.safetensors state.json config.yaml
//                                     manifest.json
//   checkpoints/last -> epoch=002-step=002814
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/random.h"
#include "core/tensor.h"
#include "nn/optim/optimizer.h"

namespace iolaus::nn {

struct Checkpoint {
  std::map<std::string, Tensor> model, optimizer;
  std::vector<OptimizerOptions> optimizer_options;
  int64_t epoch = 0;  // epochs that are complete
  int64_t batch = 0;  // batches of the epoch after them
  int64_t step = 0;   // optimizer steps
  int64_t scheduler_epoch = 0;
  GeneratorState generator;
  std::map<std::string, double> metrics;
  std::string config;  // the run's composed config, as YAML
};

/// Saves under directory and keeps the newest `keep` checkpoints there. Returns the folder.
/// Errors: kIo (disk full, ...); older checkpoints are untouched then.
std::string save_checkpoint(const std::string& directory, const Checkpoint& checkpoint,
                            int64_t keep = 1);

/// Loads a checkpoint's folder, or the newest one that verifies below a folder of checkpoints or a
/// run's folder. Errors: kNotFound; kCorrupt, naming what does not verify.
Checkpoint load_checkpoint(const std::string& path);

}  // namespace iolaus::nn
