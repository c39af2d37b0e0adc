// The transformers' names in configs.
#include "nn/layers/target.h"
#include "nn/layers/transformer.h"

namespace iolaus::nn {
namespace {

using namespace target;

const config::Param kFeedForward{"dim_feedforward", P::kInt, "size between the linear layers",
                                 2048},
    kDropout{"dropout", P::kFloat, "of weights and results", 0.1},
    kActivation{"activation", P::kString, "relu or gelu", "relu"},
    kEps{"layer_norm_eps", P::kFloat, "added to the variance", 1e-5},
    kBatchFirst{"batch_first", P::kBool, "sequences are (N, T, E)", false},
    kNormFirst{"norm_first", P::kBool, "normalises what goes into a block", false},
    kBias{"bias", P::kBool, "linear layers and norms add a bias", true};

std::vector<config::Param> layer_params() {
  return {{"d_model", P::kInt, "size of each element"},
          {"nhead", P::kInt, "heads of attention"},
          kFeedForward,
          kDropout,
          kActivation,
          kEps,
          kBatchFirst,
          kNormFirst,
          kBias};
}
TransformerOptions options(const Args& a) {
  return {.d_model = a.get<int64_t>("d_model"),
          .nhead = a.get<int64_t>("nhead"),
          .dim_feedforward = a.get<int64_t>("dim_feedforward"),
          .dropout = a.get<double>("dropout"),
          .activation = a.get<std::string>("activation"),
          .layer_norm_eps = a.get<double>("layer_norm_eps"),
          .batch_first = a.get<bool>("batch_first"),
          .norm_first = a.get<bool>("norm_first"),
          .bias = a.get<bool>("bias")};
}

template <class Layer> config::Register<Layer, Module> layer(const char* type, const char* doc) {
  return {names(type), doc, layer_params(),
          [](const Args& a) { return std::make_shared<Layer>(options(a)); }};
}
const auto kEncoderLayer = layer<TransformerEncoderLayer>(
    "TransformerEncoderLayer", "attention of a sequence with itself, then two linear layers");
const auto kDecoderLayer = layer<TransformerDecoderLayer>(
    "TransformerDecoderLayer", "attention with itself and with memory, then two linear layers");

const config::Param kLayers{"num_layers", P::kInt, "copies of the layer"},
    kNorm{"norm", P::kObject, "the last layer", nullptr};
const config::Register<TransformerEncoder, Module> kEncoder{
    names("TransformerEncoder"),
    "copies of an encoder layer",
    {{"encoder_layer", P::kObject, "what is copied"},
     kLayers,
     kNorm,
     {"enable_nested_tensor", P::kBool, "accepted for PyTorch's sake", true},
     {"mask_check", P::kBool, "accepted for PyTorch's sake", true}},
    [](const Args& a) {
      return std::make_shared<TransformerEncoder>(
          a.object<TransformerEncoderLayer>("encoder_layer"), a.get<int64_t>("num_layers"),
          a.object<Module>("norm"));
    }};
const config::Register<TransformerDecoder, Module> kDecoder{
    names("TransformerDecoder"),
    "copies of a decoder layer",
    {{"decoder_layer", P::kObject, "what is copied"}, kLayers, kNorm},
    [](const Args& a) {
      return std::make_shared<TransformerDecoder>(
          a.object<TransformerDecoderLayer>("decoder_layer"), a.get<int64_t>("num_layers"),
          a.object<Module>("norm"));
    }};
const config::Register<Transformer, Module> kTransformer{
    names("Transformer"),
    "an encoder and a decoder",
    {{"d_model", P::kInt, "size of each element", 512},
     {"nhead", P::kInt, "heads of attention", 8},
     {"num_encoder_layers", P::kInt, "layers of the encoder", 6},
     {"num_decoder_layers", P::kInt, "layers of the decoder", 6},
     kFeedForward,
     kDropout,
     kActivation,
     {"custom_encoder", P::kAny, "null", nullptr},
     {"custom_decoder", P::kAny, "null", nullptr},
     kEps,
     kBatchFirst,
     kNormFirst,
     kBias},
    [](const Args& a) {
      for (const char* name : {"custom_encoder", "custom_decoder"}) {
        if (a.has(name))
          a.fail_about(name,
                       "put TransformerEncoder and TransformerDecoder together "
                       "instead");
      }
      return std::make_shared<Transformer>(options(a), a.get<int64_t>("num_encoder_layers"),
                                           a.get<int64_t>("num_decoder_layers"));
    }};

}  // namespace
}  // namespace iolaus::nn
