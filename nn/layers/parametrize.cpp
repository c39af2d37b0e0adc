// Weight and spectral normalisation, and their names in configs, where they wrap a layer.
#include "nn/layers/parametrize.h"

#include "autograd/grad_mode.h"
#include "nn/layers/conv.h"
#include "nn/layers/target.h"

namespace iolaus::nn {
namespace {

using namespace target;

int64_t wrapped(const char* what, int64_t dim, int64_t rank) {
  IOLAUS_CHECK(dim >= -rank && dim < rank, "[{}] expected dim in [{}, {}), got {}", what, -rank,
               rank, dim);
  return dim < 0 ? dim + rank : dim;
}

// Norms over all dimensions but dim, which keep their places.
Tensor norm_except(const Tensor& v, int64_t dim) {
  if (dim < 0) return norm(v);
  Dims dims;
  for (int64_t d = 0; d < v.dim(); ++d) {
    if (d != dim) dims.push_back(d);
  }
  return dims.empty() ? abs(v) : norm(v, dims, true);
}

// A matrix with dim's elements as rows.
Tensor as_matrix(const Tensor& weight, int64_t dim) {
  return flatten(dim == 0 ? weight : movedim(weight, {dim}, {0}), 1);
}
Tensor unit(const Tensor& x, double eps) { return normalize(x, 2, 0, eps); }

class WeightNorm final : public Module {
 public:
  WeightNorm(const Tensor& weight, int64_t dim) : dim_(dim) {
    register_parameter("original0", g_, clone(norm_except(weight, dim)));
    register_parameter("original1", v_, clone(weight));
  }
  Tensor weight() const { return mul(v_, div(g_, norm_except(v_, dim_))); }
  Tensor forward(const Tensor&) override { return weight(); }
  std::string type_name() const override { return "ParametrizationList"; }

 private:
  int64_t dim_;
  Tensor g_, v_;
};

// The vectors of the power iteration.
class PowerIteration final : public Module {
 public:
  PowerIteration(const Tensor& matrix, const SpectralNormOptions& o) : options_(o) {
    const auto start = [&](int64_t size) {
      const Tensor x = empty({size}, matrix.options());
      normal_(x);
      return unit(x, o.eps);
    };
    u_ = register_buffer("_u", start(matrix.size(0)));
    v_ = register_buffer("_v", start(matrix.size(1)));
    run(matrix, 15);
  }
  void run(const Tensor& matrix, int64_t times) {
    const NoGrad no_grad;
    for (int64_t i = 0; i < times; ++i) {
      copy_(u_, unit(mv(matrix, v_), options_.eps));
      copy_(v_, unit(mv(transpose(matrix, 0, 1), u_), options_.eps));
    }
  }
  Tensor sigma(const Tensor& matrix) {
    if (is_training()) run(matrix.detach(), options_.n_power_iterations);
    return dot(clone(u_), mv(matrix, clone(v_)));
  }
  Tensor forward(const Tensor& matrix) override { return sigma(matrix); }
  std::string type_name() const override { return "_SpectralNorm"; }

 private:
  SpectralNormOptions options_;
  Tensor u_, v_;
};

class SpectralNorm final : public Module {
 public:
  SpectralNorm(const Tensor& weight, const SpectralNormOptions& o) : options_(o) {
    register_parameter("original", original_, clone(weight));
    if (weight.dim() > 1) {
      iteration_ = register_module(
          "0", std::make_shared<PowerIteration>(contiguous(as_matrix(weight, o.dim)), o));
    }
  }
  Tensor weight() const {
    if (!iteration_) return unit(original_, options_.eps);
    return div(original_, iteration_->sigma(as_matrix(original_, options_.dim)));
  }
  Tensor forward(const Tensor&) override { return weight(); }
  std::string type_name() const override { return "ParametrizationList"; }

 private:
  SpectralNormOptions options_;
  Tensor original_;
  std::shared_ptr<PowerIteration> iteration_;
};

std::vector<std::string> parametrization_names(const std::string& name) {
  return {"iolaus.nn." + name, "torch.nn.utils.parametrizations." + name};
}
const config::Param kModule{"module", P::kObject, "the layer, which is what comes out"},
    kName{"name", P::kString, "its parameter", "weight"};
const config::Register<Module> kWeightNorm{
    parametrization_names("weight_norm"),
    "a layer whose weight is a length times a direction",
    {kModule, kName, {"dim", P::kAny, "one length for each of its elements; null: one", 0}},
    [](const Args& a) {
      auto module = a.object<Module>("module");
      weight_norm(*module, a.get<std::string>("name"),
                  a.get<std::optional<int64_t>>("dim").value_or(-1));
      return module;
    }};
const config::Register<Module> kSpectralNorm{
    parametrization_names("spectral_norm"),
    "a layer whose weight is divided by its largest singular value",
    {kModule,
     kName,
     {"n_power_iterations", P::kInt, "for each call while training", 1},
     {"eps", P::kFloat, "smallest norm", 1e-12},
     {"dim", P::kInt, "rows of the matrix; null: 1 for transposed convolutions, else 0", nullptr}},
    [](const Args& a) {
      auto module = a.object<Module>("module");
      const int64_t standard = dynamic_cast<ConvTranspose*>(module.get()) != nullptr ? 1 : 0;
      spectral_norm(*module, a.get<std::string>("name"),
                    {.n_power_iterations = a.get<int64_t>("n_power_iterations"),
                     .eps = a.get<double>("eps"),
                     .dim = a.get<std::optional<int64_t>>("dim").value_or(standard)});
      return module;
    }};

}  // namespace

void weight_norm(Module& module, const std::string& name, int64_t dim) {
  const Tensor weight = module.parameter(name).detach();
  if (dim != -1) dim = wrapped("weight_norm", dim, weight.dim());
  const auto source = std::make_shared<WeightNorm>(weight, dim);
  module.parametrize(name, source, [source] { return source->weight(); });
}

void spectral_norm(Module& module, const std::string& name, const SpectralNormOptions& options) {
  IOLAUS_CHECK(options.n_power_iterations > 0,
               "[spectral_norm] expected n_power_iterations > 0, got {}",
               options.n_power_iterations);
  const Tensor weight = module.parameter(name).detach();
  SpectralNormOptions o = options;
  o.dim = wrapped("spectral_norm", o.dim, weight.dim());
  const auto source = std::make_shared<SpectralNorm>(weight, o);
  module.parametrize(name, source, [source] { return source->weight(); });
}

}  // namespace iolaus::nn
