// Collecting and printing of model summaries.
#include "nn/summary.h"

#include <algorithm>
#include <cmath>

#include "autograd/grad_mode.h"
#include "kernels/flop_counter.h"
#include "nn/module_watch.h"

namespace iolaus::nn {
namespace {

constexpr const char* kUnknown = "?";

int64_t trainable_count(Module& model) {
  int64_t count = 0;
  for (const Tensor& p : model.parameters()) count += p.requires_grad() ? p.numel() : 0;
  return count;
}

std::string with_commas(int64_t number) {
  std::string text = std::to_string(number);
  for (size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string list_text(const std::optional<Dims>& sizes) {
  if (!sizes) return kUnknown;
  std::string text = "[";
  for (size_t i = 0; i < sizes->size(); ++i)
    text += fmt::format("{}{}", i ? ", " : "", (*sizes)[i]);
  return text + "]";
}

using Column = std::vector<std::string>;  // the header first

std::string table(const std::vector<Column>& columns) {
  size_t total = 3;
  std::vector<size_t> widths;
  for (const Column& column : columns) {
    size_t width = 0;
    for (const std::string& text : column) width = std::max(width, text.size());
    widths.push_back(width);
    total += width + 3;
  }
  const std::string rule = "\n" + std::string(total, '-');
  std::string text;
  for (size_t row = 0; row < columns[0].size(); ++row) {
    if (row == 1) text += rule;
    if (row > 0) text += "\n";
    for (size_t c = 0; c < columns.size(); ++c) {
      text += fmt::format("{}{:<{}}", c ? " | " : "", columns[c][row], widths[c]);
    }
  }
  if (columns[0].size() == 1) text += rule;
  return text + rule;
}

// Notes sizes and costs of each call of a module.
class LayerWatch final : public ModuleWatch {
 public:
  LayerWatch(Module& model, std::vector<LayerSummary>& layers) : layers_(layers) {
    const auto modules = model.named_modules();
    for (size_t i = 1; i < modules.size(); ++i) watch(*modules[i].second, i - 1);
  }

 private:
  void entered(size_t, const Tensor&) override { before_.push_back(counter_.flops()); }
  void left(size_t index, const Tensor& x, const Tensor& y) override {
    LayerSummary& layer = layers_[index];
    if (!layer.in) {
      layer.in = x.sizes();
      layer.out = y.sizes();
    }
    layer.flops = layer.flops.value_or(0) + counter_.flops() - before_.back();
    before_.pop_back();
  }

  std::vector<LayerSummary>& layers_;
  FlopCounter counter_;
  std::vector<double> before_;  // of the modules that are running
};

}  // namespace

ModelSummary summarize(Module& model, int64_t max_depth, const Tensor& example) {
  IOLAUS_CHECK(max_depth >= -1, "[ModelSummary] max_depth can be -1, 0 or more, got {}", max_depth);
  ModelSummary s;
  for (const auto& [name, module] : model.named_modules()) {
    s.layers.push_back({.name = name,
                        .type = module->type_name(),
                        .params = module->parameter_count(),
                        .training = module->is_training(),
                        .in = {},
                        .out = {},
                        .flops = {}});
  }
  s.layers.erase(s.layers.begin());  // the model itself
  for (const LayerSummary& layer : s.layers) {
    ++(layer.training ? s.modules_in_train : s.modules_in_eval);
  }
  for (const Tensor& p : model.parameters()) {
    s.megabytes +=
        static_cast<double>(p.numel()) * static_cast<double>(item_size(p.dtype())) * 1e-6;
  }
  s.total_params = model.parameter_count();
  s.trainable_params = trainable_count(model);
  if (example.defined()) {
    const NoGrad no_grad;
    const EvaluationScope evaluation(model);
    const FlopCounter counter;
    const LayerWatch layer_watch(model, s.layers);
    model(example);
    s.flops = counter.flops();
    s.has_example = true;
  }
  std::erase_if(s.layers, [&](const LayerSummary& layer) {
    return max_depth >= 0 && std::count(layer.name.begin(), layer.name.end(), '.') >= max_depth;
  });
  return s;
}

std::string ModelSummary::str() const {
  Column number{" "}, name{"Name"}, type{"Type"}, params{"Params"}, mode{"Mode"}, cost{"FLOPs"},
      in{"In sizes"}, out{"Out sizes"};
  int64_t listed = 0;
  for (const LayerSummary& layer : layers) {
    number.push_back(std::to_string(number.size() - 1));
    name.push_back(layer.name);
    type.push_back(layer.type);
    params.push_back(human_count(static_cast<double>(layer.params)));
    mode.push_back(layer.training ? "train" : "eval");
    cost.push_back(human_count(layer.flops.value_or(0)));
    in.push_back(list_text(layer.in));
    out.push_back(list_text(layer.out));
    listed += layer.params;
  }
  if (listed < total_params) {
    const auto rest = static_cast<double>(total_params - listed);
    for (Column* column : {&type, &mode, &cost, &in, &out}) column->push_back("n/a");
    number.push_back(" ");
    name.push_back("other params");
    params.push_back(human_count(rest));
  }
  std::vector<Column> columns{number, name, type, params, mode, cost};
  if (has_example) columns.insert(columns.end(), {in, out});

  const auto count = [](int64_t n) { return human_count(static_cast<double>(n)); };
  const std::pair<std::string, const char*> totals[] = {
      {count(trainable_params), "Trainable params"},
      {count(total_params - trainable_params), "Non-trainable params"},
      {count(total_params), "Total params"},
      {fmt::format("{:.3f}", megabytes), "Total estimated model params size (MB)"},
      {std::to_string(modules_in_train), "Modules in train mode"},
      {std::to_string(modules_in_eval), "Modules in eval mode"},
      {human_count(flops), "Total Flops"}};
  std::string text = table(columns);
  for (const auto& [value, label] : totals) text += fmt::format("\n{:<10}{}", value, label);
  return text;
}

std::string human_count(double count) {
  constexpr const char* kUnits[] = {" ", "K", "M", "B", "T"};
  size_t unit = 0;
  double value = std::floor(count);
  for (; value >= 1000 && unit + 1 < std::size(kUnits); ++unit) value /= 1000;
  if (unit == 0 || value >= 100) {
    return with_commas(static_cast<int64_t>(value)) + " " + kUnits[unit];
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

}  // namespace iolaus::nn
