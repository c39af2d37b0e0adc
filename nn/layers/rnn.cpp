// Recurrent layers: what comes in is multiplied by its weight for all steps at once, then the steps
// follow each other.
#include "nn/layers/rnn.h"

#include <algorithm>
#include <cmath>

#include "autograd/grad_mode.h"
#include "nn/layers/dropout.h"

namespace iolaus::nn {
namespace {

const char* kind_name(RecurrentKind kind) {
  if (kind == RecurrentKind::kLstm) return "LSTM";
  return kind == RecurrentKind::kGru ? "GRU" : "RNN";
}

// U(-b, b), b = 1 / sqrt(hidden), for all of them.
void reset(const Tensors& parameters, int64_t hidden) {
  const NoGrad no_grad;
  const double bound = hidden > 0 ? 1 / std::sqrt(static_cast<double>(hidden)) : 0;
  for (const Tensor& p : parameters) uniform_(p, -bound, bound);
}

Tensor or_zeros(const Tensor& t, const Dims& sizes, const Tensor& like) {
  return t.defined() ? t : zeros(sizes, like.options());
}

}  // namespace

Recurrent::Recurrent(RecurrentKind kind, int64_t input_size, int64_t hidden_size,
                     const RecurrentOptions& options)
    : kind_(kind), input_(input_size), hidden_(hidden_size), options_(options) {
  const char* name = kind_name(kind);
  IOLAUS_CHECK(input_ > 0 && hidden_ > 0 && options.num_layers > 0,
               "[{}] expected sizes and num_layers > 0, got {}, {} and {}", name, input_, hidden_,
               options.num_layers);
  IOLAUS_CHECK(options.dropout >= 0 && options.dropout <= 1,
               "[{}] expected dropout in [0, 1], got {}", name, options.dropout);
  IOLAUS_CHECK(options.proj_size == 0 || (kind == RecurrentKind::kLstm && options.proj_size > 0 &&
                                          options.proj_size < hidden_),
               "[{}] expected proj_size in [0, hidden_size), and 0 but for LSTM, got {}", name,
               options.proj_size);
  const int64_t ways = options.bidirectional ? 2 : 1;
  directions_.resize(static_cast<size_t>(options.num_layers * ways));
  for (int64_t layer = 0; layer < options.num_layers; ++layer) {
    for (int64_t way = 0; way < ways; ++way) add_direction(layer, way == 1);
  }
  reset(parameters(), hidden_);
}

void Recurrent::add_direction(int64_t layer, bool reverse) {
  const int64_t ways = options_.bidirectional ? 2 : 1, rows = gate_count(kind_) * hidden_;
  const int64_t out = options_.proj_size > 0 ? options_.proj_size : hidden_;
  Direction& d = directions_[static_cast<size_t>(layer * ways + (reverse ? 1 : 0))];
  const std::string end = fmt::format("l{}{}", layer, reverse ? "_reverse" : "");
  const auto bias = [&] { return options_.bias ? empty({rows}) : Tensor(); };
  register_parameter("weight_ih_" + end, d.input, empty({rows, layer == 0 ? input_ : out * ways}));
  register_parameter("weight_hh_" + end, d.own.hidden, empty({rows, out}));
  register_parameter("bias_ih_" + end, d.input_bias, bias());
  register_parameter("bias_hh_" + end, d.own.bias, bias());
  register_parameter("weight_hr_" + end, d.own.project,
                     options_.proj_size > 0 ? empty({out, hidden_}) : Tensor());
}

Recurrent::Run Recurrent::run_direction(const Direction& d, const Tensor& x, RecurrentState state,
                                        bool reverse) const {
  const Tensors inputs = unbind(linear(x, d.input, d.input_bias), 0);
  Tensors outputs;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Tensor& input = inputs[reverse ? inputs.size() - 1 - i : i];
    state = recurrent_step(kind_, input, state, d.own);
    outputs.push_back(state.hidden);
  }
  if (reverse) std::reverse(outputs.begin(), outputs.end());
  return {stack(outputs, 0), state};
}

void Recurrent::check(const Tensor& x, const RecurrentState& state, bool single) const {
  IOLAUS_CHECK((x.dim() == 3 || single) && x.size(-1) == input_ && x.size(single ? 0 : -3) > 0,
               "[{}] expected a sequence of 2 or 3 dimensions whose elements have size {}, got {}",
               type_name(), input_, x.describe());
  const int64_t out = options_.proj_size > 0 ? options_.proj_size : hidden_;
  const auto fits = [&](const Tensor& t, int64_t width) {
    if (!t.defined()) return;
    Dims sizes{static_cast<int64_t>(directions_.size())};
    if (!single) sizes.push_back(x.size(options_.batch_first ? 0 : 1));
    sizes.push_back(width);
    IOLAUS_CHECK(t.sizes() == sizes, "[{}] expected a state of {}, got {}", type_name(),
                 sizes.str(), t.describe());
  };
  fits(state.hidden, out);
  fits(state.cell, hidden_);
}

Recurrent::Run Recurrent::run(const Tensor& input, const RecurrentState& start) {
  const bool single = input.dim() == 2;
  check(input, start, single);
  Tensor x = single ? unsqueeze(input, 1) : options_.batch_first ? transpose(input, 0, 1) : input;
  const auto batched = [&](const Tensor& t) { return t.defined() && single ? unsqueeze(t, 1) : t; };
  const size_t ways = options_.bidirectional ? 2 : 1;
  const int64_t batch = x.size(1), out = options_.proj_size > 0 ? options_.proj_size : hidden_;
  const auto count = static_cast<int64_t>(directions_.size());
  const bool lstm = kind_ == RecurrentKind::kLstm;
  const Tensors hidden = unbind(or_zeros(batched(start.hidden), {count, batch, out}, x), 0);
  const Tensors cell = lstm ? unbind(or_zeros(batched(start.cell), {count, batch, hidden_}, x), 0)
                            : Tensors(directions_.size());
  Tensors last_hidden, last_cell;
  for (size_t i = 0; i < directions_.size(); i += ways) {
    if (i > 0) x = dropout(x, options_.dropout, is_training());
    Tensors outputs;
    for (size_t way = 0; way < ways; ++way) {
      const Run one =
          run_direction(directions_[i + way], x, {hidden[i + way], cell[i + way]}, way == 1);
      outputs.push_back(one.output);
      last_hidden.push_back(one.state.hidden);
      last_cell.push_back(one.state.cell);
    }
    x = ways == 1 ? outputs[0] : cat(outputs, 2);
  }
  const auto joined = [&](const Tensors& states) {
    const Tensor all = stack(states, 0);
    return single ? squeeze(all, 1) : all;
  };
  return {single                 ? squeeze(x, 1)
          : options_.batch_first ? transpose(x, 0, 1)
                                 : x,
          {joined(last_hidden), lstm ? joined(last_cell) : Tensor()}};
}

std::string Recurrent::type_name() const { return kind_name(kind_); }

std::string Recurrent::describe() const {
  std::string shown = fmt::format("{}, {}", input_, hidden_);
  if (options_.num_layers != 1) shown += fmt::format(", num_layers={}", options_.num_layers);
  if (!options_.bias) shown += ", bias=False";
  if (options_.batch_first) shown += ", batch_first=True";
  if (options_.dropout != 0) shown += fmt::format(", dropout={}", options_.dropout);
  if (options_.bidirectional) shown += ", bidirectional=True";
  if (options_.proj_size != 0) shown += fmt::format(", proj_size={}", options_.proj_size);
  return shown;
}

RNN::RNN(int64_t input_size, int64_t hidden_size, const RecurrentOptions& options,
         const std::string& nonlinearity)
    : Recurrent(nonlinearity == "relu" ? RecurrentKind::kRnnRelu : RecurrentKind::kRnnTanh,
                input_size, hidden_size, options) {
  IOLAUS_CHECK(nonlinearity == "relu" || nonlinearity == "tanh",
               "[RNN] expected nonlinearity tanh or relu, got '{}'", nonlinearity);
}
RNN::Result RNN::forward(const Tensor& x, const Tensor& hidden) {
  const Run all = run(x, {hidden, {}});
  return {all.output, all.state.hidden};
}
GRU::Result GRU::forward(const Tensor& x, const Tensor& hidden) {
  const Run all = run(x, {hidden, {}});
  return {all.output, all.state.hidden};
}
LSTM::Result LSTM::forward(const Tensor& x, const RecurrentState& state) {
  const Run all = run(x, state);
  return {all.output, all.state};
}

RecurrentCell::RecurrentCell(RecurrentKind kind, int64_t input_size, int64_t hidden_size, bool bias)
    : kind_(kind), input_(input_size), hidden_(hidden_size) {
  const int64_t rows = gate_count(kind) * hidden_;
  register_parameter("weight_ih", input_weight_, empty({rows, input_}));
  register_parameter("weight_hh", own_.hidden, empty({rows, hidden_}));
  register_parameter("bias_ih", input_bias_, bias ? empty({rows}) : Tensor());
  register_parameter("bias_hh", own_.bias, bias ? empty({rows}) : Tensor());
  reset(parameters(), hidden_);
}

RecurrentState RecurrentCell::forward(const Tensor& x, const RecurrentState& state) {
  const bool single = x.dim() == 1;
  IOLAUS_CHECK((single || x.dim() == 2) && x.size(-1) == input_,
               "[{}] expected (N, {}) or ({}), got {}", type_name(), input_, input_, x.describe());
  const auto batched = [&](const Tensor& t) { return t.defined() && single ? unsqueeze(t, 0) : t; };
  const Tensor in = batched(x);
  RecurrentState before{or_zeros(batched(state.hidden), {in.size(0), hidden_}, in), {}};
  if (kind_ == RecurrentKind::kLstm) {
    before.cell = or_zeros(batched(state.cell), {in.size(0), hidden_}, in);
  }
  const RecurrentState next =
      recurrent_step(kind_, linear(in, input_weight_, input_bias_), before, own_);
  if (!single) return next;
  return {squeeze(next.hidden, 0), next.cell.defined() ? squeeze(next.cell, 0) : Tensor()};
}

std::string RecurrentCell::type_name() const { return std::string(kind_name(kind_)) + "Cell"; }
std::string RecurrentCell::describe() const { return fmt::format("{}, {}", input_, hidden_); }

}  // namespace iolaus::nn
