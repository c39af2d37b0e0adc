// CNNModel: num_layers convolutions of conv_size channels, each halving the image, then the mean
// over what is left and a linear layer.
#include "config/instantiate.h"
#include "nn/layers/conv.h"
#include "nn/layers/linear.h"
#include "nn/layers/pool.h"

namespace course {
namespace {

using namespace iolaus;
using P = config::ParamType;

class CNNModel final : public nn::Module {
 public:
  CNNModel(int64_t conv_size, int64_t num_layers, int64_t in_channels, int64_t out_size)
      : pool_(2, Dims{2, 2}) {
    IOLAUS_CHECK(num_layers > 0, "[CNNModel] num_layers must be positive, got {}", num_layers);
    for (int64_t i = 0; i < num_layers; ++i) {
      const int64_t channels = i == 0 ? in_channels : conv_size;
      convs_.push_back(register_module(
          fmt::format("conv{}", i),
          std::make_shared<nn::Conv2d>(channels, conv_size, Dims{3, 3},
                                       nn::ConvLayerOptions{.padding = Dims{1, 1}})));
    }
    head_ = register_module("head", std::make_shared<nn::Linear>(conv_size, out_size));
  }
  std::string type_name() const override { return "CNNModel"; }
  Tensor forward(const Tensor& x) override {
    Tensor y = x;
    for (const auto& conv : convs_) {
      y = relu((*conv)(y));
      if (y.size(-1) > 1) y = pool_(y);
    }
    return (*head_)(mean(y, {-2, -1}));
  }

 private:
  nn::MaxPool pool_;
  std::vector<std::shared_ptr<nn::Module>> convs_;
  std::shared_ptr<nn::Module> head_;
};

const config::Register<CNNModel, nn::Module> kCnnModel{
    {"hydraconfig.src.models.cnn.CNNModel"},
    "convolutions of one width, and a linear layer",
    {{"conv_size", P::kInt, "channels of each convolution", 32},
     {"num_layers", P::kInt, "convolutions", 2},
     {"in_channels", P::kInt, "channels of an image", 1},
     {"out_size", P::kInt, "classes", 10}},
    [](const config::Args& a) {
      return std::make_shared<CNNModel>(a.get<int64_t>("conv_size"), a.get<int64_t>("num_layers"),
                                        a.get<int64_t>("in_channels"), a.get<int64_t>("out_size"));
    }};

}  // namespace
}  // namespace course
