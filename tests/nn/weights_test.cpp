// Weights from the files that PyTorch, Lightning and safetensors write (tests/data/core/torch).
#include "nn/weights.h"

#include "core/io/safetensors.h"
#include "tests/core/io_helpers.h"
#include "tests/core/reference_data.h"

using namespace iolaus;

namespace {

std::string file(const char* name) { return test::data_path(std::string("torch/") + name); }

std::vector<std::string> names(const std::map<std::string, Tensor>& tensors) {
  std::vector<std::string> out;
  for (const auto& [name, tensor] : tensors) out.push_back(name);
  return out;
}

}  // namespace

TEST_CASE("the model's weights are found in every kind of file") {
  const auto plain = nn::load_weights(file("state_dict_2.pth"));
  CHECK(plain.size() == 9);
  CHECK(plain.at("0.weight").sizes() == Dims{2, 1, 3, 3});
  CHECK(names(nn::load_weights(file("checkpoint.pth"))) == names(plain));
  CHECK(names(nn::load_weights(file("lightning.ckpt"))) ==
        std::vector<std::string>{"layer.bias", "layer.weight"});
  CHECK(names(nn::load_weights(file("lightning.ckpt"), "layer.")) ==
        std::vector<std::string>{"bias", "weight"});
  const test::TempDir dir;
  io::save_safetensors(dir / "weights.bin",
                       {{"module.a", plain.at("2.bias")}, {"module.b", plain.at("2.weight")}});
  CHECK(names(nn::load_weights(dir / "weights.bin")) == std::vector<std::string>{"a", "b"});
}

TEST_CASE("files without weights say so") {
  test::check_error(ErrorCode::kNotFound, "the first name there is 'layer.bias'",
                    [&] { nn::load_weights(file("lightning.ckpt"), "net."); });
  test::check_error(ErrorCode::kCorrupt, "begins like neither",
                    [&] { nn::load_weights(file("strides.json")); });
  test::check_error(ErrorCode::kUnsupported, "before PyTorch 1.6",
                    [&] { nn::load_weights(file("legacy.pth")); });
}
