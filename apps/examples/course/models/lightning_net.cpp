// The network's layers and steps, and its name in configs.
#include "models/lightning_net.h"

#include "config/instantiate.h"
#include "config/interpolation.h"
#include "nn/layers/conv.h"
#include "nn/layers/linear.h"
#include "nn/layers/pool.h"

namespace course {

using namespace iolaus;

LightningNet::LightningNet(int64_t num_classes, MakeOptimizer optimizer,
                           std::shared_ptr<nn::Loss> loss, int64_t in_channels, int64_t image_size)
    : make_optimizer_(std::move(optimizer)), loss_(std::move(loss)) {
  const int64_t side = ((image_size - 4) / 2 - 4) / 2;
  IOLAUS_CHECK(side > 0, "[LightningNet] images of {} pixels are too small; 16 is the least",
               image_size);
  conv1_ = register_module("conv1", std::make_shared<nn::Conv2d>(in_channels, 6, Dims{5, 5}));
  conv2_ = register_module("conv2", std::make_shared<nn::Conv2d>(6, 16, Dims{5, 5}));
  pool_ = register_module("pool", std::make_shared<nn::MaxPool>(2, Dims{2, 2}));
  fc1_ = register_module("fc1", std::make_shared<nn::Linear>(16 * side * side, 120));
  fc2_ = register_module("fc2", std::make_shared<nn::Linear>(120, 84));
  fc3_ = register_module("fc3", std::make_shared<nn::Linear>(84, num_classes));
}

Tensor LightningNet::forward(const Tensor& x) {
  const Tensor a = (*pool_)(relu((*conv1_)(x)));
  const Tensor b = (*pool_)(relu((*conv2_)(a)));
  return (*fc3_)(relu((*fc2_)(relu((*fc1_)(flatten(b, 1, -1))))));
}

Tensor LightningNet::step(const nn::data::Batch& batch, const char* stage) {
  const Tensor output = forward(batch.input());
  const Tensor loss = (*loss_)(output, batch.target());
  const Tensor hits = iolaus::to(eq(argmax(output, 1), batch.target()), kFloat32);
  const bool training = std::string_view(stage) == "train";
  log(fmt::format("{}/loss", stage), loss,
      {.on_step = training, .on_epoch = true, .prog_bar = true});
  log(fmt::format("{}/acc", stage), mean(hits),
      {.on_step = training, .on_epoch = true, .prog_bar = true});
  return loss;
}

Tensor LightningNet::training_step(const nn::data::Batch& batch, int64_t) {
  return step(batch, "train");
}
void LightningNet::validation_step(const nn::data::Batch& batch, int64_t) { step(batch, "val"); }
void LightningNet::test_step(const nn::data::Batch& batch, int64_t) { step(batch, "test"); }

std::vector<nn::OptimizerConfig> LightningNet::configure_optimizers() {
  return {{make_optimizer_(nn::one_group(parameters()))}};
}

namespace {

using P = config::ParamType;

// The optimizer comes as a partial (_partial_: true), or as its config (_recursive_: false).
LightningNet::MakeOptimizer optimizer_of(const config::Args& a) {
  const config::Instance& given = a.instance("optimizer");
  if (given.kind == config::Instance::Kind::kPartial) {
    return [make = given.partial](std::vector<nn::ParamGroup> params) {
      return make->call<nn::Optimizer>({{"params", std::move(params)}});
    };
  }
  if (given.kind != config::Instance::Kind::kValue || !given.value.is_dict()) {
    a.fail_about("optimizer", "expected an optimizer with _partial_: true");
  }
  return [node = given.value](std::vector<nn::ParamGroup> params) {
    return config::instantiate<nn::Optimizer>(node, {.extras = {{"params", std::move(params)}}});
  };
}

std::shared_ptr<nn::Loss> loss_of(const config::Args& a) {
  const config::Instance& given = a.instance("loss");
  return given.kind == config::Instance::Kind::kValue ? config::instantiate<nn::Loss>(given.value)
                                                      : given.as<nn::Loss>();
}

const config::Register<LightningNet, nn::Module, nn::LightningModule> kLightningNet{
    {"ptlighthydra.src.models.cnn.LightningNet"},
    "the course's network: two convolutions, three linear layers",
    {{"num_classes", P::kInt, "classes", 10},
     {"optimizer", P::kAny, "an optimizer with _partial_: true"},
     {"loss", P::kAny, "a loss of outputs and targets"},
     {"in_channels", P::kInt, "channels of an image", 3},
     {"image_size", P::kInt, "its height and width", 32}},
    [](const config::Args& a) {
      return std::make_shared<LightningNet>(a.get<int64_t>("num_classes"), optimizer_of(a),
                                            loss_of(a), a.get<int64_t>("in_channels"),
                                            a.get<int64_t>("image_size"));
    }};

}  // namespace
}  // namespace course
