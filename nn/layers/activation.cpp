// Activations' names in configs. Each is a function of autograd/ops; PReLU, which has a weight, and
// RReLU, which draws numbers, are classes of their own.
#include "nn/layers/activation.h"

#include "nn/layers/target.h"

namespace iolaus::nn {
namespace {

using namespace target;
using Layer = config::Register<FunctionLayer, Module>;

Layer simple(const char* type, const char* doc, Fn fn) {
  return function(type, doc, {inplace()}, [fn](const Args&) { return fn; });
}
Layer bare(const char* type, const char* doc, Fn fn) {
  return function(type, doc, {}, [fn](const Args&) { return fn; });
}

// Of one number; FnOfNumber is (const Tensor&, double) -> Tensor.
Layer numbered(const char* type, const char* doc, const char* name, const char* about,
               double standard, bool has_inplace, Tensor (*fn)(const Tensor&, double)) {
  std::vector<config::Param> params{{name, P::kFloat, about, standard}};
  if (has_inplace) params.push_back(inplace());
  return function(type, doc, std::move(params), [=](const Args& a) -> Fn {
    return [fn, value = a.get<double>(name)](const Tensor& x) { return fn(x, value); };
  });
}

const Layer kRelu = simple("ReLU", "max(x, 0)", relu);
const Layer kRelu6 = simple("ReLU6", "min(max(x, 0), 6)", relu6);
const Layer kSelu = simple("SELU", "ELU whose outputs keep mean 0 and variance 1", selu);
const Layer kSilu = simple("SiLU", "x sigmoid(x)", silu);
const Layer kMish = simple("Mish", "x tanh(ln(1 + e^x))", mish);
const Layer kHardsigmoid = simple("Hardsigmoid", "min(max(x / 6 + 1/2, 0), 1)", hardsigmoid);
const Layer kHardswish = simple("Hardswish", "x hardsigmoid(x)", hardswish);
const Layer kTanh = bare("Tanh", "tanh x", [](const Tensor& x) { return tanh(x); });
const Layer kSigmoid =
    bare("Sigmoid", "1 / (1 + e^-x)", [](const Tensor& x) { return sigmoid(x); });
const Layer kLogSigmoid = bare("LogSigmoid", "ln sigmoid(x)", logsigmoid);
const Layer kSoftsign = bare("Softsign", "x / (1 + |x|)", softsign);
const Layer kTanhshrink = bare("Tanhshrink", "x - tanh x", tanhshrink);
const Layer kLeakyRelu = numbered("LeakyReLU", "x for x > 0, else x times a slope",
                                  "negative_slope", "the slope", 0.01, true, leaky_relu);
const Layer kElu = numbered("ELU", "x for x > 0, else alpha (e^x - 1)", "alpha",
                            "the limit for x to -inf", 1, true, elu);
const Layer kCelu = numbered("CELU", "x for x > 0, else alpha (e^(x / alpha) - 1)", "alpha",
                             "the limit for x to -inf", 1, true, celu);
const Layer kHardshrink = numbered("Hardshrink", "x for |x| > lambd, else 0", "lambd",
                                   "the threshold", 0.5, false, hardshrink);
const Layer kSoftshrink = numbered("Softshrink", "x moved by lambd towards 0", "lambd",
                                   "the distance", 0.5, false, softshrink);

const Layer kGelu = function(
    "GELU", "x Phi(x), Phi the normal distribution function",
    {{"approximate", P::kString, "none or tanh", "none"}}, [](const Args& a) -> Fn {
      const std::string approximate = a.get<std::string>("approximate");
      if (approximate != "none" && approximate != "tanh") {
        a.fail_about("approximate", "expected 'none' or 'tanh', got '" + approximate + "'");
      }
      return [approximate](const Tensor& x) { return gelu(x, approximate); };
    });
const Layer kSoftplus =
    function("Softplus", "ln(1 + e^(beta x)) / beta",
             {{"beta", P::kFloat, "steepness", 1.0},
              {"threshold", P::kFloat, "of beta x, above which the result is x", 20.0}},
             [](const Args& a) -> Fn {
               const double beta = a.get<double>("beta"), limit = a.get<double>("threshold");
               return [=](const Tensor& x) { return softplus(x, beta, limit); };
             });
const Layer kHardtanh = function("Hardtanh", "x within limits",
                                 {{"min_val", P::kFloat, "lower limit", -1.0},
                                  {"max_val", P::kFloat, "upper limit", 1.0},
                                  inplace()},
                                 [](const Args& a) -> Fn {
                                   const double low = a.get<double>("min_val"),
                                                high = a.get<double>("max_val");
                                   return [=](const Tensor& x) { return hardtanh(x, low, high); };
                                 });
const Layer kThreshold = function(
    "Threshold", "x above a threshold, else a value",
    {{"threshold", P::kFloat, "the threshold"}, {"value", P::kFloat, "the value"}, inplace()},
    [](const Args& a) -> Fn {
      const double limit = a.get<double>("threshold"), value = a.get<double>("value");
      return [=](const Tensor& x) { return threshold(x, limit, value); };
    });
const Layer kGlu =
    function("GLU", "the first half times the sigmoid of the second",
             {{"dim", P::kInt, "the dimension that is halved", -1}}, [](const Args& a) -> Fn {
               return [dim = a.get<int64_t>("dim")](const Tensor& x) { return glu(x, dim); };
             });

// Without a dim PyTorch takes 0 for ranks 0, 1 and 3, else 1.
int64_t softmax_dim(const std::optional<int64_t>& dim, const Tensor& x) {
  return dim.value_or(x.dim() == 0 || x.dim() == 1 || x.dim() == 3 ? 0 : 1);
}
Layer along_dim(const char* type, const char* doc, Tensor (*fn)(const Tensor&, int64_t)) {
  return function(type, doc, {{"dim", P::kInt, "the dimension", nullptr}},
                  [fn](const Args& a) -> Fn {
                    return [fn, dim = a.get<std::optional<int64_t>>("dim")](const Tensor& x) {
                      return fn(x, softmax_dim(dim, x));
                    };
                  });
}
const Layer kSoftmax = along_dim("Softmax", "e^x_i / sum e^x_j along a dimension", softmax);
const Layer kLogSoftmax = along_dim("LogSoftmax", "the logarithm of softmax", log_softmax);
const Layer kSoftmin = along_dim(
    "Softmin", "softmax of -x", +[](const Tensor& x, int64_t dim) { return softmax(neg(x), dim); });
const Layer kSoftmax2d =
    bare("Softmax2d", "softmax over the channels of images", [](const Tensor& x) {
      IOLAUS_CHECK(x.dim() == 3 || x.dim() == 4,
                   "[Softmax2d] expected (N, C, H, W) or (C, H, W), "
                   "got {}",
                   x.describe());
      return softmax(x, -3);
    });

const config::Register<PReLU, Module> kPrelu{
    names("PReLU"),
    "x for x > 0, else x times a trained slope",
    {{"num_parameters", P::kInt, "1, or a slope for each channel", 1},
     {"init", P::kFloat, "the slope at first", 0.25}},
    [](const Args& a) {
      return std::make_shared<PReLU>(a.get<int64_t>("num_parameters"), a.get<double>("init"));
    }};
const config::Register<RReLU, Module> kRrelu{
    names("RReLU"),
    "x for x > 0, else x times a slope that is drawn while training",
    {{"lower", P::kFloat, "smallest slope", 1.0 / 8},
     {"upper", P::kFloat, "largest slope", 1.0 / 3},
     inplace()},
    [](const Args& a) {
      return std::make_shared<RReLU>(a.get<double>("lower"), a.get<double>("upper"));
    }};

}  // namespace

PReLU::PReLU(int64_t num_parameters, double init) {
  register_parameter("weight", weight_, full({num_parameters}, init));
}

RReLU::RReLU(double lower, double upper) : lower_(lower), upper_(upper) {
  IOLAUS_CHECK(lower <= upper, "[RReLU] expected lower <= upper, got {} and {}", lower, upper);
}

Tensor RReLU::forward(const Tensor& x) {
  if (!is_training()) return leaky_relu(x, (lower_ + upper_) / 2);
  const Tensor slopes = lower_ + (upper_ - lower_) * rand_like(x.detach());
  return where(ge(x.detach(), 0), x, mul(x, slopes));
}

}  // namespace iolaus::nn
