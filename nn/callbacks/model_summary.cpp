// The summary, with sizes and operations from the first training sample.
#include "nn/callbacks/model_summary.h"

#include <cstdio>

#include "autograd/ops.h"
#include "nn/summary.h"
#include "nn/trainer/trainer.h"

namespace iolaus::nn {
namespace {

// A batch of one sample, or nothing where the data has no first one.
Tensor example_of(Trainer& trainer) {
  const data::Loader* loader = trainer.datamodule()->train_loader();
  if (loader == nullptr) return {};
  data::Batch batch;
  batch.fields = loader->example();
  if (batch.fields.empty()) return {};
  return trainer.to_device(std::move(batch)).input();
}

}  // namespace

void ModelSummaryCallback::on_fit_start(Trainer& trainer, LightningModule& module) {
  ModelSummary summary;
  try {
    summary = summarize(module, max_depth_, example_of(trainer));
  } catch (const Error&) {
    // Some models take more than a batch's first field; their sizes stay unknown.
    summary = summarize(module, max_depth_);
  }
  std::fprintf(stderr, "%s\n", summary.str().c_str());
}

}  // namespace iolaus::nn
