// Checkpoints: a folder that appears whole or not at all, holding everything that training needs to
// go on. Files are written and synced in a temporary folder, a manifest with sizes and checksums
// last; then the folder is renamed. Only after that are older ones removed.
//
//   checkpoints/epoch=2-step=2814.ckpt/{model,optimizer,trainer}.safetensors state.json config.yaml
//                                      manifest.json
//   checkpoints/last.ckpt -> epoch=2-step=2814.ckpt
#pragma once

#include <future>
#include <map>
#include <string>
#include <vector>

#include "core/random.h"
#include "core/tensor.h"
#include "nn/optim/optimizer.h"

namespace iolaus::nn {

struct Checkpoint {
  std::map<std::string, Tensor> model, optimizer;
  /// Gradients in the middle of an accumulation ("grad.NAME"), sums of logged values.
  std::map<std::string, Tensor> trainer;
  std::vector<std::vector<OptimizerOptions>> optimizer_options;  // per optimizer and group
  std::vector<std::string> schedulers;                           // JSON each
  std::map<std::string, std::string> callbacks;                  // JSON each, by state_key()
  int64_t epoch = 0;                                             // epochs that are complete
  int64_t batch = 0;                                             // batches of the epoch after them
  std::string stream;              // where the training data is a stream: its state after them
  bool validation_due = false;     // a signal came within the validation behind that batch
  std::vector<int64_t> evaluated;  // validation batches so far, of each loader
  int64_t global_step = 0;         // optimizer steps
  int64_t batches_that_stepped = 0, total_batches = 0;
  double seconds = 0;  // of training
  GeneratorState generator;
  std::string scaler;                     // JSON, where the precision has one
  std::map<std::string, double> metrics;  // the newest; those that are not finite are left out
  std::string config;                     // the run's composed config, as YAML

  /// The same with tensors of its own on the CPU, so that training may go on while it is written.
  Checkpoint snapshot() const;
};

struct SaveOptions {
  std::string link = {};                 // a path that shall point at it ("last.ckpt")
  std::vector<std::string> remove = {};  // older checkpoints, removed once this one is on disk
};

/// Saves as the folder `path`, in place of one that is there. It is on disk when this returns.
/// Errors: kIo (disk full, ...); older checkpoints are untouched then.
void save_checkpoint(const std::string& path, const Checkpoint& checkpoint,
                     const SaveOptions& options = {});

/// Removes a checkpoint's folder or link; an interruption leaves none that seems whole.
void remove_checkpoint(const std::string& path);

/// The checkpoint that a path means: its folder, or the newest one that verifies below a folder of
/// checkpoints or a run's folder; a warning names newer ones that do not.
/// Errors: kNotFound; kCorrupt, naming what does not verify.
std::string find_checkpoint(const std::string& path);
/// The optimizer steps of a checkpoint's folder, as its manifest says; -1 where there is none.
int64_t checkpoint_step(const std::string& path);
/// Loads find_checkpoint(path).
Checkpoint load_checkpoint(const std::string& path);

/// Saves one checkpoint after the other in the background.
class CheckpointWriter {
 public:
  ~CheckpointWriter();
  /// Waits for the one before and starts this one. Errors: that of the one before.
  void save(std::string path, Checkpoint snapshot, SaveOptions options);
  /// Errors: that of the save.
  void wait();

 private:
  std::future<void> running_;
};

}  // namespace iolaus::nn
