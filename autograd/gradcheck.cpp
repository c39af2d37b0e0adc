// gradcheck by full Jacobians: samples are small, and a message can name the element.
#include "autograd/gradcheck.h"

#include <cmath>

#include "autograd/engine.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/view.h"
#include "kernels/check.h"

namespace iolaus {
namespace {

using Function = std::function<Tensor(const Tensors&)>;

// Copies with the same strides, so that non-contiguous samples stay so.
Tensors leaves_of(const Tensors& inputs) {
  Tensors leaves;
  for (const Tensor& x : inputs) {
    Tensor leaf = x;
    if (is_floating(x.dtype())) {
      const NoGrad no_grad;
      leaf = empty_strided(x.sizes(), x.strides(), x.options());
      copy_(leaf, x.detach());
      leaf.set_requires_grad();
    }
    leaves.push_back(leaf);
  }
  return leaves;
}

// The address of element i in row-major order.
double* element(const Tensor& x, int64_t i) {
  int64_t at = 0;
  for (int64_t d = x.dim() - 1; d >= 0; --d) {
    at += i % x.sizes()[d] * x.strides()[d];
    i /= x.sizes()[d];
  }
  return x.data<double>() + at;
}

std::vector<double> values(const Function& fn, const Tensors& inputs) {
  const NoGrad no_grad;
  return fn(inputs).to_vector<double>();
}

// d out / d x_i for all elements of out.
std::vector<double> numeric_column(const Function& fn, const Tensors& inputs, size_t input,
                                   int64_t i, double eps) {
  double* x = element(inputs[input], i);
  const double before = *x;
  *x = before + eps;
  std::vector<double> up = values(fn, inputs);
  *x = before - eps;
  const std::vector<double> down = values(fn, inputs);
  *x = before;
  for (size_t k = 0; k < up.size(); ++k) up[k] = (up[k] - down[k]) / (2 * eps);
  return up;
}

}  // namespace

std::string gradcheck(const Function& fn, const Tensors& inputs, const GradcheckOptions& options) {
  const Tensors leaves = leaves_of(inputs);
  Tensors wanted;
  std::vector<size_t> indices;
  for (size_t i = 0; i < leaves.size(); ++i) {
    if (!is_floating(leaves[i].dtype())) continue;
    wanted.push_back(leaves[i]);
    indices.push_back(i);
  }
  const Tensor out = fn(leaves);
  if (!out.requires_grad()) return "the output does not require a gradient";
  // Row k of the Jacobians: the gradients of output element k.
  std::vector<std::vector<std::vector<double>>> rows;
  for (int64_t k = 0; k < out.numel(); ++k) {
    Tensor unit = zeros(out.sizes(), {.dtype = out.dtype()});
    unit.data<double>()[k] = 1;
    rows.emplace_back();
    for (const Tensor& g : grad({out}, wanted, {unit}, {.retain_graph = true}, true)) {
      rows.back().push_back(g.defined() ? g.to_vector<double>() : std::vector<double>());
    }
  }
  for (size_t w = 0; w < wanted.size(); ++w) {
    for (int64_t i = 0; i < wanted[w].numel(); ++i) {
      const auto numeric = numeric_column(fn, leaves, indices[w], i, options.eps);
      for (size_t k = 0; k < numeric.size(); ++k) {
        const double analytic = rows[k][w].empty() ? 0 : rows[k][w][static_cast<size_t>(i)];
        const double error = std::abs(analytic - numeric[k]);
        if (error <= options.atol + options.rtol * std::abs(numeric[k])) continue;
        return fmt::format("d out[{}] / d input {}[{}]: analytic {}, numeric {}", k, indices[w], i,
                           analytic, numeric[k]);
      }
    }
  }
  return "";
}

std::string gradgradcheck(const Function& fn, const Tensors& inputs,
                          const GradcheckOptions& options) {
  Tensors all = inputs;
  {
    const NoGrad no_grad;
    all.push_back(sample_tensor(fn(inputs).sizes(), kFloat64, 99));
  }
  const auto gradients = [&](const Tensors& x) {
    // Differences call this without recording; the gradients inside need it all the same.
    const GradMode record_graph(true);
    Tensors leaves, wanted;
    for (size_t i = 0; i + 1 < x.size(); ++i) {
      Tensor leaf = x[i];
      if (is_floating(leaf.dtype()) && !leaf.requires_grad())
        leaf = leaf.detach().set_requires_grad();
      leaves.push_back(leaf);
      if (is_floating(leaf.dtype())) wanted.push_back(leaf);
    }
    const Tensor out = fn(leaves);
    Tensors flat;
    for (const Tensor& g : grad({out}, wanted, {x.back()}, {.create_graph = true}, true)) {
      if (g.defined()) flat.push_back(reshape(g, {-1}));
    }
    return cat(flat);
  };
  // A gradient that depends on nothing (of neg, say) has no graph, and second derivatives of zero.
  if (!gradients(leaves_of(all)).requires_grad()) return "";
  return gradcheck(gradients, all, options);
}

}  // namespace iolaus
