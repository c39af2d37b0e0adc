// Recording and replay of a training pass.
#include "nn/trainer/graphed_pass.h"

#include <algorithm>

#include "autograd/grad_mode.h"
#include "autograd/ops.h"
#include "core/error.h"

namespace iolaus::nn {
namespace {

constexpr int kWarmUp = 3;

bool same_form(const data::Batch& a, const data::Batch& b) {
  return a.size() == b.size() &&
         std::equal(a.fields.begin(), a.fields.end(), b.fields.begin(), b.fields.end(),
                    [](const Tensor& x, const Tensor& y) {
                      return x.sizes() == y.sizes() && x.strides() == y.strides() &&
                             x.dtype() == y.dtype() && x.device() == y.device();
                    });
}

struct Flag {
  bool& flag;
  explicit Flag(bool& f) : flag(f) { flag = true; }
  ~Flag() { flag = false; }
};

}  // namespace

bool GraphedPass::takes(const data::Batch& batch) {
  if (fixed_.fields.empty()) {
    fixed_ = batch;
    for (Tensor& field : fixed_.fields) field = clone(field);
  }
  if (!same_form(batch, fixed_)) return false;
  return graph_ != nullptr || warmed_up_++ >= kWarmUp;
}

Tensor GraphedPass::run(const data::Batch& batch, const Tensors& params,
                        const std::function<Tensor(const data::Batch&)>& pass) {
  const NoGrad no_grad;
  for (size_t i = 0; i < batch.fields.size(); ++i) copy_(fixed_.fields[i], batch.fields[i]);
  if (graph_ == nullptr) record(batch, params, pass);
  graph_->replay();
  for (const auto& [param, gradient] : gradients_) param.set_grad(gradient);
  return clone(loss_);
}

void GraphedPass::record(const data::Batch& batch, const Tensors& params,
                         const std::function<Tensor(const data::Batch&)>& pass) {
  fixed_.indices = batch.indices;
  auto graph = make_graph(device_);
  const Flag recording(recording_);
  noted_.clear();
  try {
    graph->capture([&] {
      const GradMode enabled(true);
      loss_ = pass(fixed_);
    });
  } catch (const Error& e) {
    throw Error(e.code(),
                std::string(e.what()) +
                    "\n(while the training step was recorded for trainer.cuda_graphs; set it "
                    "to false, or take this out of training_step)");
  }
  IOLAUS_CHECK(
      loss_.defined(),
      "[Trainer] cuda_graphs records the training step once, and cannot leave out a batch: "
      "training_step gave no loss");
  loss_ = loss_.detach();
  for (const Tensor& param : params) {
    if (param.grad().defined()) gradients_.emplace_back(param, param.grad());
  }
  graph_ = std::move(graph);
}

void GraphedPass::note(const std::string& name, const Tensor& value, const LogOptions& options) {
  noted_.push_back({name, value.detach(), options});
}

std::vector<GraphedPass::Noted> GraphedPass::logged() const {
  std::vector<Noted> values = noted_;
  for (Noted& v : values) v.value = clone(v.value);
  return values;
}

}  // namespace iolaus::nn
