// The model as PyTorch prints it.
#include "nn/callbacks/model_summary.h"

#include <cstdio>

#include "nn/trainer/trainer.h"

namespace iolaus::nn {

void ModelSummaryCallback::on_fit_start(Trainer&, LightningModule& module) {
  if (max_depth_ != 0) std::fprintf(stderr, "%s\n", module.checkpointed().print().c_str());
}

}  // namespace iolaus::nn
