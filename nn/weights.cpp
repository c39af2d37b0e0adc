// Telling formats apart, and finding the model's tensors among those of a checkpoint.
#include "nn/weights.h"

#include <algorithm>

#include "core/io/torch_file.h"

namespace iolaus::nn {
namespace {

using io::PickleValue;

io::TensorMap load_torch_weights(std::unique_ptr<io::Source> source) {
  io::TorchFile file(std::move(source));
  for (const char* key : {"state_dict", "model_state_dict", "model"}) {
    const PickleValue* below = file.root().find(key);
    if (below != nullptr && below->is(PickleValue::Kind::kDict)) return file.load_all(*below);
  }
  return file.load_all();
}

// The length of the header in 8 bytes, and its brace.
bool is_safetensors(const io::Source& source) {
  char begin[9] = {};
  if (source.size() >= sizeof begin) source.read(0, begin, sizeof begin);
  return begin[8] == '{';
}

std::map<std::string, Tensor> without_prefix(const std::map<std::string, Tensor>& tensors,
                                             const std::string& prefix) {
  std::map<std::string, Tensor> out;
  for (const auto& [name, tensor] : tensors) {
    if (name.starts_with(prefix)) out.emplace(name.substr(prefix.size()), tensor);
  }
  return out;
}

}  // namespace

std::map<std::string, Tensor> load_weights(const std::string& path, const std::string& prefix) {
  auto source = io::open_file(path);
  std::map<std::string, Tensor> tensors;
  if (io::is_torch_file(*source)) {
    tensors = load_torch_weights(std::move(source));
  } else {
    IOLAUS_CHECK_CODE(is_safetensors(*source), ErrorCode::kCorrupt,
                      "[weights] {}: expected a file of safetensors or torch.save; it begins like "
                      "neither",
                      path);
    tensors = io::SafetensorsFile(std::move(source)).load_all();
  }
  const std::string parallel = "module.";
  if (std::all_of(tensors.begin(), tensors.end(),
                  [&](const auto& item) { return item.first.starts_with(parallel); })) {
    tensors = without_prefix(tensors, parallel);
  }
  const std::string first = tensors.empty() ? "none" : tensors.begin()->first;
  tensors = without_prefix(tensors, prefix);
  IOLAUS_CHECK_CODE(!tensors.empty(), ErrorCode::kNotFound,
                    "[weights] {}: expected tensors whose names begin with '{}', got none; the "
                    "first name there is '{}'",
                    path, prefix, first);
  return tensors;
}

}  // namespace iolaus::nn
