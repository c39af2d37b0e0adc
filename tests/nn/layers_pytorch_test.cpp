// Every module and loss that a config can name, against PyTorch: the same weights and inputs give
// the same outputs, gradients and buffers (tests/data/nn/layers.py). A target without a case fails.
#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "config/instantiate.h"
#include "config/yaml.h"
#include "core/io/safetensors.h"
#include "nn/layers/conv.h"
#include "nn/layers/embedding.h"
#include "nn/layers/linear.h"
#include "nn/layers/rnn.h"
#include "nn/layers/transformer.h"
#include "nn/loss.h"

using namespace iolaus;
using namespace iolaus::nn;
using json = nlohmann::ordered_json;  // dicts of layers keep their order

namespace {

using Inputs = std::map<std::string, Tensor>;
using Call = std::function<Tensors(Module&, const Inputs&)>;

Tensor find(const Inputs& x, const std::string& name) {
  const auto found = x.find(name);
  return found == x.end() ? Tensor() : found->second;
}
AttentionMasks masks(const Inputs& x) {
  return {.key_padding = find(x, "key_padding"), .attention = find(x, "attention")};
}
Tensors state(const Tensor& first, const RecurrentState& s) {
  Tensors all{first, s.hidden};
  if (s.cell.defined()) all.push_back(s.cell);
  return all;
}

// How modules of several inputs or results are called, by the names of layers.py.
const std::map<std::string, Call>& calls() {
  static const std::map<std::string, Call> all{
      {"plain", [](Module& m, const Inputs& x) { return Tensors{m(x.at("x"))}; }},
      {"output_alone", [](Module& m, const Inputs& x) { return Tensors{m(x.at("x"))}; }},
      {"self_attention", [](Module& m, const Inputs& x) { return Tensors{m(x.at("x"))}; }},
      {"with_itself", [](Module& m, const Inputs& x) { return Tensors{m(x.at("x"))}; }},
      {"state", [](Module&, const Inputs&) { return Tensors{}; }},
      {"bilinear",
       [](Module& m, const Inputs& x) {
         return Tensors{dynamic_cast<Bilinear&>(m).forward(x.at("a"), x.at("b"))};
       }},
      {"bag",
       [](Module& m, const Inputs& x) {
         return Tensors{dynamic_cast<EmbeddingBag&>(m).forward(x.at("x"), x.at("offsets"))};
       }},
      {"bag_weights",
       [](Module& m, const Inputs& x) {
         return Tensors{
             dynamic_cast<EmbeddingBag&>(m).forward(x.at("x"), x.at("offsets"), x.at("weights"))};
       }},
      {"output_size",
       [](Module& m, const Inputs& x) {
         return Tensors{dynamic_cast<ConvTranspose&>(m).forward(x.at("x"), {9, 7})};
       }},
      {"rnn",
       [](Module& m, const Inputs& x) {
         if (auto* gru = dynamic_cast<GRU*>(&m)) {
           const auto r = gru->forward(x.at("x"), x.at("h"));
           return Tensors{r.output, r.hidden};
         }
         const auto r = dynamic_cast<RNN&>(m).forward(x.at("x"), x.at("h"));
         return Tensors{r.output, r.hidden};
       }},
      {"cell",
       [](Module& m, const Inputs& x) {
         return Tensors{dynamic_cast<RecurrentCell&>(m).forward(x.at("x"), {x.at("h"), {}}).hidden};
       }},
      {"lstm",
       [](Module& m, const Inputs& x) {
         const RecurrentState start{x.at("h"), x.at("c")};
         if (auto* cell = dynamic_cast<RecurrentCell*>(&m)) {
           const RecurrentState next = cell->forward(x.at("x"), start);
           return Tensors{next.hidden, next.cell};
         }
         const auto r = dynamic_cast<LSTM&>(m).forward(x.at("x"), start);
         return state(r.output, r.state);
       }},
      {"attention",
       [](Module& m, const Inputs& x) {
         return Tensors{dynamic_cast<MultiheadAttention&>(m).forward(x.at("query"), x.at("key"),
                                                                     x.at("value"), masks(x))};
       }},
      {"attention_weights",
       [](Module& m, const Inputs& x) {
         const auto r = dynamic_cast<MultiheadAttention&>(m).forward_with_weights(
             x.at("query"), x.at("key"), x.at("value"), masks(x));
         return Tensors{r.output, r.weights};
       }},
      {"encoder",
       [](Module& m, const Inputs& x) {
         if (auto* stack = dynamic_cast<TransformerEncoder*>(&m)) {
           return Tensors{stack->forward(x.at("src"), masks(x))};
         }
         return Tensors{dynamic_cast<TransformerEncoderLayer&>(m).forward(x.at("src"), masks(x))};
       }},
      {"decoder",
       [](Module& m, const Inputs& x) {
         const AttentionMasks own{.attention = find(x, "attention")};
         const AttentionMasks memory{.key_padding = find(x, "key_padding")};
         if (auto* stack = dynamic_cast<TransformerDecoder*>(&m)) {
           return Tensors{stack->forward(x.at("tgt"), x.at("memory"), own, memory)};
         }
         return Tensors{dynamic_cast<TransformerDecoderLayer&>(m).forward(
             x.at("tgt"), x.at("memory"), own, memory)};
       }},
      {"transformer", [](Module& m, const Inputs& x) {
         return Tensors{
             dynamic_cast<Transformer&>(m).forward(x.at("src"), x.at("tgt"), {}, masks(x))};
       }}};
  return all;
}

// torch.testing.assert_close's tolerances.
void compare(const std::string& what, const Tensor& actual, const Tensor& expected) {
  CAPTURE(what);
  REQUIRE(actual.defined());
  CHECK(actual.dtype() == expected.dtype());
  REQUIRE(actual.sizes().str() == expected.sizes().str());
  const bool single = expected.dtype() == kFloat32;
  const double relative = single ? 1.3e-6 : 1e-7, absolute = single ? 1e-5 : 1e-7;
  const auto a = actual.to_vector<double>(), e = expected.to_vector<double>();
  double worst = 0;
  for (size_t i = 0; i < e.size(); ++i) {
    if (std::isnan(e[i]) != std::isnan(a[i])) worst = HUGE_VAL;
    if (std::isnan(e[i]) || a[i] == e[i]) continue;
    worst = std::max(worst, std::abs(a[i] - e[i]) / (absolute + relative * std::abs(e[i])));
  }
  CHECK(worst <= 1);  // in units of the tolerance
}

Tensor weighted_sum(const Tensors& outputs) {
  Tensor total;
  for (const Tensor& out : outputs) {
    if (!out.requires_grad()) continue;
    std::vector<double> weights(static_cast<size_t>(out.numel()));
    for (size_t i = 0; i < weights.size(); ++i) weights[i] = (static_cast<double>(i % 7) - 3) / 4;
    const Tensor w = to(from_values(weights, out.sizes()), out.dtype());
    total = total.defined() ? add(total, sum(mul(out, w))) : sum(mul(out, w));
  }
  return total;
}

// All tensors of the file whose names begin with prefix, without it.
Inputs below(const io::TensorMap& all, const std::string& prefix) {
  Inputs found;
  for (auto i = all.lower_bound(prefix); i != all.end() && i->first.starts_with(prefix); ++i) {
    found.emplace(i->first.substr(prefix.size()), i->second);
  }
  return found;
}

void check_outputs(const Tensors& outputs, const Inputs& expected) {
  REQUIRE(outputs.size() == expected.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    compare("output " + std::to_string(i), outputs[i].detach(), expected.at(std::to_string(i)));
  }
}

Inputs leaves(const Inputs& inputs) {
  for (const auto& [name, tensor] : inputs) {
    if (is_floating(tensor.dtype())) tensor.set_requires_grad();
  }
  return inputs;
}

void check_gradients(const Inputs& expected, const Inputs& inputs, const NamedTensors& parameters) {
  size_t compared = 0;
  for (const auto& [name, tensor] : inputs) {
    const auto wanted = expected.find("in." + name);
    if (wanted == expected.end()) continue;
    compare("gradient of " + name, tensor.grad(), wanted->second);
    ++compared;
  }
  for (const auto& [name, parameter] : parameters) {
    const auto wanted = expected.find(name);
    if (wanted == expected.end()) continue;
    compare("gradient of " + name, parameter.grad(), wanted->second);
    ++compared;
  }
  CHECK(compared == expected.size());
}

void run_module(const json& test, const io::TensorMap& all, const std::string& key) {
  const auto module =
      config::instantiate<Module>(config::load_yaml(test["config"].dump(), "layers.py"));
  module->to(parse_dtype(test["dtype"].get<std::string>()));
  module->load_state_dict(below(all, key + "state/"));
  module->train(test["train"]);
  const Inputs inputs = leaves(below(all, key + "in/"));
  const Tensors outputs = calls().at(test["call"])(*module, inputs);
  check_outputs(outputs, below(all, key + "out/"));
  const Inputs gradients = below(all, key + "grad/");
  if (const Tensor total = weighted_sum(outputs); total.defined()) total.backward();
  check_gradients(gradients, inputs, module->named_parameters());
  const auto state_now = module->state_dict();
  for (const auto& [name, buffer] : below(all, key + "after/")) {
    compare("buffer " + name, state_now.at(name), buffer);
  }
}

void run_loss(const json& test, const io::TensorMap& all, const std::string& key) {
  const auto loss =
      config::instantiate<Loss>(config::load_yaml(test["config"].dump(), "layers.py"));
  const Inputs inputs = leaves(below(all, key + "in/"));
  Tensors ordered;
  for (const auto& name : test["inputs"]) ordered.push_back(inputs.at(name));
  // CTC's gradient is PyTorch's only together with log_softmax's: PyTorch folds both into one.
  Tensors arguments = ordered;
  if (test["call"] == "loss_of_logits") arguments[0] = log_softmax(ordered[0], -1);
  const Tensors outputs{loss->forward(arguments)};
  check_outputs(outputs, below(all, key + "out/"));
  weighted_sum(outputs).backward();
  check_gradients(below(all, key + "grad/"), inputs, {});
  ordered.push_back(ordered.back());
  CHECK_THROWS_WITH(loss->forward(ordered), doctest::Contains("tensors, got"));
}

struct Cases {
  json list;
  io::TensorMap tensors;
};
const Cases& cases() {
  static const Cases all = [] {
    const io::SafetensorsFile file(IOLAUS_SOURCE_DIR "/tests/data/nn/layers.safetensors");
    return Cases{json::parse(file.metadata().at("cases")), file.load_all()};
  }();
  return all;
}

}  // namespace

TEST_CASE("modules and losses of configs give PyTorch's outputs and gradients") {
  for (size_t i = 0; i < cases().list.size(); ++i) {
    const json& test = cases().list[i];
    const std::string shown = test.dump();
    CAPTURE(shown);
    const std::string key = std::to_string(i) + "/";
    try {
      const bool is_loss = test["call"].get<std::string>().starts_with("loss");
      (is_loss ? run_loss : run_module)(test, cases().tensors, key);
    } catch (const Error& e) {
      FAIL_CHECK(std::string(e.what()));
    }
  }
}

TEST_CASE("every module and loss that a config can name has a case") {
  std::set<std::string> tested;
  for (const json& test : cases().list) tested.insert(test["config"]["_target_"]);
  int count = 0;
  for (const config::Target* target : config::targets()) {
    const auto is = [&](std::type_index type) {
      return std::any_of(target->conversions.begin(), target->conversions.end(),
                         [&](const config::Conversion& c) { return c.type == type; });
    };
    if (!is(typeid(Module)) && !is(typeid(Loss))) continue;
    ++count;
    CAPTURE(target->name());
    CHECK(std::any_of(target->names.begin(), target->names.end(),
                      [&](const std::string& name) { return tested.contains(name); }));
  }
  CHECK(count > 130);
}
