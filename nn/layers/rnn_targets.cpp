// The recurrent layers' names in configs.
#include "nn/layers/rnn.h"
#include "nn/layers/target.h"

namespace iolaus::nn {
namespace {

using namespace target;

const config::Param kInput{"input_size", P::kInt, "size of each element"},
    kHidden{"hidden_size", P::kInt, "size of the state"},
    kLayers{"num_layers", P::kInt, "layers one after the other", 1},
    kNonlinearity{"nonlinearity", P::kString, "tanh or relu", "tanh"},
    kBias{"bias", P::kBool, "adds biases", true},
    kBatchFirst{"batch_first", P::kBool, "sequences are (N, T, I)", false},
    kDropout{"dropout", P::kFloat, "between layers", 0.0},
    kBidirectional{"bidirectional", P::kBool, "also from the end to the start", false};

RecurrentOptions options(const Args& a) {
  return {.num_layers = a.get<int64_t>("num_layers"),
          .bias = a.get<bool>("bias"),
          .batch_first = a.get<bool>("batch_first"),
          .dropout = a.get<double>("dropout"),
          .bidirectional = a.get<bool>("bidirectional")};
}

const config::Register<RNN, Module> kRnn{
    names("RNN"),
    "recurrent layer; in a Sequential its output alone",
    {kInput, kHidden, kLayers, kNonlinearity, kBias, kBatchFirst, kDropout, kBidirectional},
    [](const Args& a) {
      return std::make_shared<RNN>(a.get<int64_t>("input_size"), a.get<int64_t>("hidden_size"),
                                   options(a), a.get<std::string>("nonlinearity"));
    }};
const config::Register<LSTM, Module> kLstm{
    names("LSTM"),
    "long short-term memory; in a Sequential its output alone",
    {kInput,
     kHidden,
     kLayers,
     kBias,
     kBatchFirst,
     kDropout,
     kBidirectional,
     {"proj_size", P::kInt, "size that the state is projected to; 0: none", 0}},
    [](const Args& a) {
      RecurrentOptions o = options(a);
      o.proj_size = a.get<int64_t>("proj_size");
      return std::make_shared<LSTM>(a.get<int64_t>("input_size"), a.get<int64_t>("hidden_size"), o);
    }};
const config::Register<GRU, Module> kGru{
    names("GRU"),
    "gated recurrent units; in a Sequential their output alone",
    {kInput, kHidden, kLayers, kBias, kBatchFirst, kDropout, kBidirectional},
    [](const Args& a) {
      return std::make_shared<GRU>(a.get<int64_t>("input_size"), a.get<int64_t>("hidden_size"),
                                   options(a));
    }};

config::Register<RecurrentCell, Module> cell(const char* type, RecurrentKind kind) {
  return {names(type),
          "one step of a recurrent layer",
          {kInput, kHidden, kBias},
          [kind](const Args& a) {
            return std::make_shared<RecurrentCell>(kind, a.get<int64_t>("input_size"),
                                                   a.get<int64_t>("hidden_size"),
                                                   a.get<bool>("bias"));
          }};
}
const auto kLstmCell = cell("LSTMCell", RecurrentKind::kLstm);
const auto kGruCell = cell("GRUCell", RecurrentKind::kGru);
const config::Register<RecurrentCell, Module> kRnnCell{
    names("RNNCell"),
    "one step of a recurrent layer",
    {kInput, kHidden, kBias, kNonlinearity},
    [](const Args& a) {
      const std::string f = a.get<std::string>("nonlinearity");
      if (f != "tanh" && f != "relu") a.fail_about("nonlinearity", "expected tanh or relu");
      return std::make_shared<RecurrentCell>(
          f == "relu" ? RecurrentKind::kRnnRelu : RecurrentKind::kRnnTanh,
          a.get<int64_t>("input_size"), a.get<int64_t>("hidden_size"), a.get<bool>("bias"));
    }};

}  // namespace
}  // namespace iolaus::nn
