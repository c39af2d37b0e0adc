// What a module asks of its trainer.
#include "nn/trainer/lightning_module.h"

#include "autograd/ops.h"
#include "nn/trainer/trainer.h"

namespace iolaus::nn {

const char* stage_name(Stage stage) {
  switch (stage) {
    case Stage::kFit:
      return "fit";
    case Stage::kValidate:
      return "validate";
    case Stage::kTest:
      return "test";
    default:
      return "predict";
  }
}

Trainer& LightningModule::trainer() const {
  IOLAUS_CHECK(trainer_ != nullptr, "[LightningModule] no trainer runs this module");
  return *trainer_;
}

void LightningModule::log(const std::string& name, const Tensor& value, const LogOptions& options) {
  trainer().log(name, value, options);
}

void LightningModule::log(const std::string& name, double value, const LogOptions& options) {
  trainer().log(name, full({}, value, {.dtype = kFloat64}), options);
}

Optimizer& LightningModule::optimizer(size_t index) const {
  const auto& all = trainer().optimizers();
  IOLAUS_CHECK_CODE(index < all.size(), ErrorCode::kIndex,
                    "[LightningModule] there is no optimizer {}, configure_optimizers gave {}",
                    index, all.size());
  return *all[index].optimizer;
}

void LightningModule::manual_backward(const Tensor& loss) { trainer().backward(loss); }
void LightningModule::optimizer_step(size_t index) { trainer().step_optimizer(index); }

}  // namespace iolaus::nn
