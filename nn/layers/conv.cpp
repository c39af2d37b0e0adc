// Convolution layers.
#include "nn/layers/conv.h"

#include "nn/init.h"

namespace iolaus::nn {
namespace {

Dims complete(const char* what, const Dims& values, size_t rank) {
  IOLAUS_CHECK(values.size() == 1 || values.size() == rank,
               "[Conv] expected 1 or {} numbers as {}, got {}", rank, what, values.str());
  return values.size() == rank ? values : Dims::filled(rank, values[0]);
}

void check_channels(const char* layer, int64_t in, int64_t out, int64_t groups) {
  IOLAUS_CHECK(groups > 0 && in % groups == 0 && out % groups == 0,
               "[{}] {} input and {} output channels do not divide into {} groups", layer, in, out,
               groups);
}

Dims weight_sizes(int64_t first, int64_t second, const Dims& kernel) {
  Dims sizes{first, second};
  for (const int64_t k : kernel) sizes.push_back(k);
  return sizes;
}

// Zeros before and after each dimension that keep its size; an odd one goes to the end.
Dims same_padding(const Dims& kernel, const Dims& stride, const Dims& dilation) {
  Dims around;
  for (size_t i = kernel.size(); i-- > 0;) {
    IOLAUS_CHECK(stride[i] == 1, "[Conv] padding 'same' needs a stride of 1, got {}", stride.str());
    const int64_t total = dilation[i] * (kernel[i] - 1);
    around.push_back(total / 2);
    around.push_back(total - total / 2);
  }
  return around;
}

bool is_symmetric(const Dims& around) {
  for (size_t i = 0; i < around.size(); i += 2) {
    if (around[i] != around[i + 1]) return false;
  }
  return true;
}

std::string text(const Dims& d) {
  std::string out;
  for (const int64_t v : d) out += (out.empty() ? "(" : ", ") + std::to_string(v);
  return out + (d.size() == 1 ? ",)" : ")");
}
bool all(const Dims& d, int64_t value) { return d == Dims::filled(d.size(), value); }

std::string describe_window(const Tensor& weight, const ConvOptions& o, int64_t in, int64_t out) {
  Dims kernel;
  for (int64_t d = 2; d < weight.dim(); ++d) kernel.push_back(weight.size(d));
  std::string shown =
      fmt::format("{}, {}, kernel_size={}, stride={}", in, out, text(kernel), text(o.stride));
  if (!all(o.padding, 0)) shown += ", padding=" + text(o.padding);
  if (!all(o.dilation, 1)) shown += ", dilation=" + text(o.dilation);
  if (!all(o.output_padding, 0)) shown += ", output_padding=" + text(o.output_padding);
  if (o.groups != 1) shown += fmt::format(", groups={}", o.groups);
  return shown;
}

}  // namespace

Conv::Conv(int rank, int64_t in_channels, int64_t out_channels, const Dims& kernel_size,
           const ConvLayerOptions& o)
    : padding_mode_(o.padding_mode) {
  const auto n = static_cast<size_t>(rank);
  check_channels("Conv", in_channels, out_channels, o.groups);
  IOLAUS_CHECK(padding_mode_ == "zeros" || padding_mode_ == "reflect" ||
                   padding_mode_ == "replicate" || padding_mode_ == "circular",
               "[Conv] expected padding_mode zeros, reflect, replicate or circular, got '{}'",
               padding_mode_);
  IOLAUS_CHECK(o.same_or_valid.empty() || o.same_or_valid == "same" || o.same_or_valid == "valid",
               "[Conv] expected padding 'same' or 'valid', got '{}'", o.same_or_valid);
  const Dims kernel = complete("kernel_size", kernel_size, n);
  options_ = {complete("stride", o.stride, n), complete("padding", o.padding, n),
              complete("dilation", o.dilation, n), o.groups, Dims::filled(n, 0)};
  if (!o.same_or_valid.empty()) options_.padding = Dims::filled(n, 0);
  if (o.same_or_valid == "same") {
    around_ = same_padding(kernel, options_.stride, options_.dilation);
    if (padding_mode_ == "zeros" && is_symmetric(around_)) {
      for (size_t i = 0; i < n; ++i) options_.padding[i] = around_[2 * (n - 1 - i)];
      around_ = {};
    }
  } else if (padding_mode_ != "zeros") {
    for (size_t i = n; i-- > 0;) {
      around_.push_back(options_.padding[i]);
      around_.push_back(options_.padding[i]);
    }
    options_.padding = Dims::filled(n, 0);
  }
  register_parameter("weight", weight_,
                     empty(weight_sizes(out_channels, in_channels / o.groups, kernel)));
  register_parameter("bias", bias_, o.bias ? zeros({out_channels}) : Tensor());
  reset_weight_and_bias(weight_, bias_);
}

Tensor Conv::forward(const Tensor& x) {
  if (around_.empty()) return convolution(x, weight_, bias_, options_);
  const Tensor padded = pad(x, around_, padding_mode_ == "zeros" ? "constant" : padding_mode_);
  return convolution(padded, weight_, bias_, options_);
}

std::string Conv::describe() const {
  std::string shown =
      describe_window(weight_, options_, weight_.size(1) * options_.groups, weight_.size(0));
  if (!bias_.defined()) shown += ", bias=False";
  if (padding_mode_ != "zeros") shown += ", padding_mode=" + padding_mode_;
  return shown;
}

ConvTranspose::ConvTranspose(int rank, int64_t in_channels, int64_t out_channels,
                             const Dims& kernel_size, const ConvTransposeLayerOptions& o) {
  const auto n = static_cast<size_t>(rank);
  check_channels("ConvTranspose", in_channels, out_channels, o.groups);
  options_ = {complete("stride", o.stride, n), complete("padding", o.padding, n),
              complete("dilation", o.dilation, n), o.groups,
              complete("output_padding", o.output_padding, n)};
  register_parameter("weight", weight_,
                     empty(weight_sizes(in_channels, out_channels / o.groups,
                                        complete("kernel_size", kernel_size, n))));
  register_parameter("bias", bias_, o.bias ? zeros({out_channels}) : Tensor());
  reset_weight_and_bias(weight_, bias_);
}

Tensor ConvTranspose::forward(const Tensor& x, const Dims& output_size) {
  const size_t n = options_.stride.size();
  IOLAUS_CHECK(output_size.size() == n && x.dim() > static_cast<int64_t>(n),
               "[{}] expected an output_size of {} numbers, got {}", type_name(), n,
               output_size.str());
  ConvOptions options = options_;
  for (size_t i = 0; i < n; ++i) {
    const int64_t size = x.sizes()[x.sizes().size() - n + i];
    const int64_t smallest = (size - 1) * options.stride[i] - 2 * options.padding[i] +
                             options.dilation[i] * (weight_.sizes()[i + 2] - 1) + 1;
    options.output_padding[i] = output_size[i] - smallest;
    IOLAUS_CHECK(output_size[i] >= smallest && output_size[i] < smallest + options.stride[i],
                 "[{}] expected an output_size in [{}, {}), got {}", type_name(), smallest,
                 smallest + options.stride[i], output_size[i]);
  }
  return conv_transpose(x, weight_, bias_, options);
}

std::string ConvTranspose::describe() const {
  std::string shown =
      describe_window(weight_, options_, weight_.size(0), weight_.size(1) * options_.groups);
  return bias_.defined() ? shown : shown + ", bias=False";
}

}  // namespace iolaus::nn
