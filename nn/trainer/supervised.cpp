// Steps of supervised training.
#include "nn/trainer/supervised.h"

#include "autograd/ops.h"

namespace iolaus::nn {

SupervisedModule::SupervisedModule(std::shared_ptr<Module> model, std::shared_ptr<Loss> loss,
                                   std::function<OptimizerConfig(Module&)> optimizer)
    : model_(std::move(model)), loss_(std::move(loss)), optimizer_(std::move(optimizer)) {
  IOLAUS_CHECK(model_ && loss_, "[SupervisedModule] model and loss must not be null");
  register_module("model", model_);
}

Tensor SupervisedModule::training_step(const data::Batch& batch, int64_t) {
  const Tensor loss = (*loss_)((*model_)(batch.input()), batch.target());
  log("train/loss", loss, {.on_step = true, .on_epoch = true, .prog_bar = true});
  return loss;
}

void SupervisedModule::evaluate(const data::Batch& batch, const std::string& stage) {
  const Tensor output = (*model_)(batch.input());
  log(stage + "/loss", (*loss_)(output, batch.target()), {.prog_bar = stage == "val"});
  if (output.dim() != 2 || batch.target().dim() != 1 || !is_integral(batch.target().dtype()))
    return;
  const Tensor hits = iolaus::to(eq(argmax(output, 1), batch.target()), kFloat64);
  log(stage + "/acc", mean(hits), {.prog_bar = true});
}

void SupervisedModule::validation_step(const data::Batch& batch, int64_t) {
  evaluate(batch, "val");
}
void SupervisedModule::test_step(const data::Batch& batch, int64_t) { evaluate(batch, "test"); }

std::vector<OptimizerConfig> SupervisedModule::configure_optimizers() {
  IOLAUS_CHECK(optimizer_ != nullptr, "[SupervisedModule] there is no optimizer to train with");
  return {optimizer_(*model_)};
}

}  // namespace iolaus::nn
