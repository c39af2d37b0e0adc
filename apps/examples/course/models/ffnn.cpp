// FFNNModel: num_layers hidden layers of hidden_size, on flattened images.
#include "config/instantiate.h"
#include "nn/layers/linear.h"

namespace course {
namespace {

using namespace iolaus;
using P = config::ParamType;

class FFNNModel final : public nn::Module {
 public:
  FFNNModel(int64_t num_layers, int64_t hidden_size, int64_t out_size, int64_t in_size) {
    IOLAUS_CHECK(num_layers > 0, "[FFNNModel] num_layers must be positive, got {}", num_layers);
    for (int64_t i = 0; i < num_layers; ++i) {
      hidden_.push_back(register_module(
          fmt::format("fc{}", i),
          std::make_shared<nn::Linear>(i == 0 ? in_size : hidden_size, hidden_size)));
    }
    head_ = register_module("head", std::make_shared<nn::Linear>(hidden_size, out_size));
  }
  std::string type_name() const override { return "FFNNModel"; }
  Tensor forward(const Tensor& x) override {
    Tensor y = flatten(x, 1, -1);
    for (const auto& layer : hidden_) y = relu((*layer)(y));
    return (*head_)(y);
  }

 private:
  std::vector<std::shared_ptr<nn::Module>> hidden_;
  std::shared_ptr<nn::Module> head_;
};

const config::Register<FFNNModel, nn::Module> kFfnnModel{
    {"hydraconfig.src.models.ffnn.FFNNModel"},
    "a multilayer perceptron",
    {{"num_layers", P::kInt, "hidden layers", 2},
     {"hidden_size", P::kInt, "their width", 128},
     {"out_size", P::kInt, "classes", 10},
     {"in_size", P::kInt, "pixels times channels of an image", 784}},
    [](const config::Args& a) {
      return std::make_shared<FFNNModel>(a.get<int64_t>("num_layers"),
                                         a.get<int64_t>("hidden_size"), a.get<int64_t>("out_size"),
                                         a.get<int64_t>("in_size"));
    }};

}  // namespace
}  // namespace course
