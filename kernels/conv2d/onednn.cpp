// conv2d by oneDNN, for convolutions with many channels, where its blocked layouts win. Primitives
// are made once for each problem and kept; operands go from dense tensors to the layouts that the
// primitive chose and back within the call, weights too, since they change with every step. How a
// convolution is split into primitives depends on its shape alone.
#include <algorithm>
#include <cstring>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "core/parallel.h"
#include "core/views.h"
#include "kernels/conv2d/variants.h"
#include "kernels/onednn.h"
#include "kernels/scratch.h"

namespace iolaus {
namespace {

using dnnl::memory;
using Desc = memory::desc;
using onednn::engine;

constexpr int64_t kPartialElements = int64_t{1} << 21;  // all chunks' partial sums together

memory::data_type data_type(const Tensor& t) {
  return t.dtype() == kBFloat16 ? memory::data_type::bf16 : memory::data_type::f32;
}
memory::dims to_dims(const Dims& dims) { return {dims.begin(), dims.end()}; }

// A weight (K, C, r, s) is (G, K/G, C/G, r, s) to oneDNN where there are groups.
struct Shape {
  memory::dims sizes, strides;
};
Shape weight_shape(const Tensor& weight, int64_t groups) {
  Shape shape{to_dims(weight.sizes()), to_dims(weight.strides())};
  if (groups == 1) return shape;
  shape.sizes[0] /= groups;
  shape.sizes.insert(shape.sizes.begin(), groups);
  shape.strides.insert(shape.strides.begin(), shape.strides[0] * shape.sizes[1]);
  return shape;
}
Shape plain_shape(const Tensor& t) { return {to_dims(t.sizes()), to_dims(t.strides())}; }

// One operand: how the tensor lies, how the primitive wants it, and the conversion between.
struct Operand {
  Desc tensor, wanted;
  dnnl::reorder reorder;
  bool converts = false;

  void prepare(bool output) {
    converts = tensor != wanted;
    if (!converts) return;
    const Desc &from = output ? wanted : tensor, &to = output ? tensor : wanted;
    reorder = dnnl::reorder(dnnl::reorder::primitive_desc(engine(), from, engine(), to));
  }
};

// A primitive with its operands: two inputs, one output, and the bias or its gradient.
struct Plan {
  dnnl::primitive primitive;
  int names[3];  // DNNL_ARG_*; the output last
  Operand operands[3];
  int bias_name = 0;
  Desc bias;
  Desc scratchpad;
};

struct Problem {
  const Tensor *x, *weight, *out;  // or their gradients
  bool bias;
  const Window2d* window;
  int64_t groups;
};

std::string key_of(char kind, const Problem& p) {
  std::string key(1, kind);
  const auto append = [&](const int64_t* values, size_t count) {
    key.append(reinterpret_cast<const char*>(values), count * sizeof(int64_t));
  };
  for (const Tensor* t : {p.x, p.weight, p.out}) {
    append(t->sizes().data(), 4);
    append(t->strides().data(), 4);
  }
  append(&p.window->kernel[0], sizeof(Window2d) / sizeof(int64_t));
  const int64_t rest[] = {p.groups, p.bias, static_cast<int64_t>(p.x->dtype())};
  append(rest, 3);
  return key;
}

struct Descs {
  Desc x, weight, out, bias;        // as the tensors lie
  Desc any_x, any_weight, any_out;  // free for the primitive to choose
  memory::dims strides, dilation, padding, padding_r;
  dnnl::primitive_attr attributes;
};

Descs make_descs(const Problem& p) {
  const auto type = data_type(*p.x);
  const Shape x = plain_shape(*p.x), weight = weight_shape(*p.weight, p.groups);
  const Shape out = plain_shape(*p.out);
  const auto any = memory::format_tag::any;
  Descs d{{x.sizes, type, x.strides},
          {weight.sizes, type, weight.strides},
          {out.sizes, type, out.strides},
          {{p.weight->sizes()[0]}, type, memory::format_tag::a},
          {x.sizes, type, any},
          {weight.sizes, type, any},
          {out.sizes, type, any},
          {},
          {},
          {},
          {},
          {}};
  for (int i = 0; i < 2; ++i) {
    const int64_t size = p.x->sizes()[2 + static_cast<size_t>(i)];
    const int64_t outputs = p.out->sizes()[2 + static_cast<size_t>(i)];
    d.strides.push_back(p.window->stride[i]);
    d.dilation.push_back(p.window->dilation[i] - 1);
    d.padding.push_back(p.window->padding[i]);
    d.padding_r.push_back((outputs - 1) * p.window->stride[i] + p.window->span(i) - size -
                          p.window->padding[i]);
  }
  d.attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return d;
}

using Forward = dnnl::convolution_forward;
using BackwardInput = dnnl::convolution_backward_data;
using BackwardWeight = dnnl::convolution_backward_weights;
constexpr auto kAlgorithm = dnnl::algorithm::convolution_direct;

Forward::primitive_desc forward_desc(const Descs& d, bool bias) {
  const auto kind = dnnl::prop_kind::forward_training;
  const auto desc = bias ? Forward::desc(kind, kAlgorithm, d.any_x, d.any_weight, d.bias, d.any_out,
                                         d.strides, d.dilation, d.padding, d.padding_r)
                         : Forward::desc(kind, kAlgorithm, d.any_x, d.any_weight, d.any_out,
                                         d.strides, d.dilation, d.padding, d.padding_r);
  return {desc, d.attributes, engine()};
}

std::unique_ptr<Plan> make_forward(const Problem& p) {
  const Descs d = make_descs(p);
  const auto desc = forward_desc(d, p.bias);
  auto plan = std::make_unique<Plan>(Plan{Forward(desc),
                                          {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
                                          {{d.x, desc.src_desc(), {}},
                                           {d.weight, desc.weights_desc(), {}},
                                           {d.out, desc.dst_desc(), {}}},
                                          DNNL_ARG_BIAS,
                                          d.bias,
                                          desc.scratchpad_desc()});
  return plan;
}

std::unique_ptr<Plan> make_backward_input(const Problem& p) {
  const Descs d = make_descs(p);
  const BackwardInput::primitive_desc desc(
      BackwardInput::desc(kAlgorithm, d.any_x, d.any_weight, d.any_out, d.strides, d.dilation,
                          d.padding, d.padding_r),
      d.attributes, engine(), forward_desc(d, false));
  return std::make_unique<Plan>(Plan{BackwardInput(desc),
                                     {DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC},
                                     {{d.out, desc.diff_dst_desc(), {}},
                                      {d.weight, desc.weights_desc(), {}},
                                      {d.x, desc.diff_src_desc(), {}}},
                                     0,
                                     {},
                                     desc.scratchpad_desc()});
}

std::unique_ptr<Plan> make_backward_weight(const Problem& p) {
  const Descs d = make_descs(p);
  const auto desc_of = [&] {
    if (p.bias) {
      return BackwardWeight::desc(kAlgorithm, d.any_x, d.any_weight, d.bias, d.any_out, d.strides,
                                  d.dilation, d.padding, d.padding_r);
    }
    return BackwardWeight::desc(kAlgorithm, d.any_x, d.any_weight, d.any_out, d.strides, d.dilation,
                                d.padding, d.padding_r);
  };
  const BackwardWeight::primitive_desc desc(desc_of(), d.attributes, engine(),
                                            forward_desc(d, p.bias));
  return std::make_unique<Plan>(Plan{BackwardWeight(desc),
                                     {DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS},
                                     {{d.x, desc.src_desc(), {}},
                                      {d.out, desc.diff_dst_desc(), {}},
                                      {d.weight, desc.diff_weights_desc(), {}}},
                                     DNNL_ARG_DIFF_BIAS,
                                     d.bias,
                                     desc.scratchpad_desc()});
}

// The plan of a problem, made at its first call. A plan is never freed: calls on other threads may
// be using it, and a program has few shapes.
const Plan& plan_of(char kind, const Problem& p, std::unique_ptr<Plan> (*make)(const Problem&)) {
  static std::mutex mutex;
  static auto* plans = new std::unordered_map<std::string, std::unique_ptr<Plan>>;
  std::string key = key_of(kind, p);
  std::lock_guard lock(mutex);
  const onednn::OneThread one_thread;
  auto& slot = (*plans)[key];
  if (slot == nullptr) {
    slot = make(p);
    for (int i = 0; i < 3; ++i) slot->operands[i].prepare(i == 2);
  }
  return *slot;
}

dnnl::stream& own_stream() {
  static thread_local dnnl::stream stream(engine());
  return stream;
}

// The weight in the layout that a plan wants, for calls that share it.
struct SharedWeight {
  const Desc* layout = nullptr;  // null where the plan takes the weight as it is
  std::unique_ptr<Scratch<char>> memory;

  SharedWeight(const Plan& plan, const Tensor& weight) {
    const Operand& o = plan.operands[1];
    if (!o.converts) return;
    const onednn::OneThread one_thread;
    layout = &o.wanted;
    memory = std::make_unique<Scratch<char>>(static_cast<int64_t>(o.wanted.get_size()));
    dnnl::memory given(o.tensor, engine(), weight.raw_data());
    dnnl::memory wanted(o.wanted, engine(), memory->data());
    o.reorder.execute(own_stream(), given, wanted);
    own_stream().wait();
  }
};

// data: the operands' memory in the order of the plan; the last is the output.
void execute(const Plan& plan, void* const (&data)[3], void* bias,
             const SharedWeight* shared = nullptr) {
  const onednn::OneThread one_thread;
  dnnl::stream& stream = own_stream();
  Scratch<char> scratchpad(static_cast<int64_t>(plan.scratchpad.get_size()));
  std::unordered_map<int, memory> args{
      {DNNL_ARG_SCRATCHPAD, memory(plan.scratchpad, engine(), scratchpad.data())}};
  std::unique_ptr<Scratch<char>> converted[3];
  for (int i = 0; i < 3; ++i) {
    const Operand& o = plan.operands[i];
    void* at = data[i];
    const bool ready =
        i == 1 && shared != nullptr && shared->layout != nullptr && *shared->layout == o.wanted;
    if (ready) {
      at = shared->memory->data();
    } else if (o.converts) {
      converted[i] = std::make_unique<Scratch<char>>(static_cast<int64_t>(o.wanted.get_size()));
      at = converted[i]->data();
    }
    memory wanted(o.wanted, engine(), at);
    if (o.converts && !ready && i < 2) {
      memory given(o.tensor, engine(), data[i]);
      o.reorder.execute(stream, given, wanted);
    }
    args.emplace(plan.names[i], wanted);
  }
  if (bias != nullptr) args.emplace(plan.bias_name, memory(plan.bias, engine(), bias));
  plan.primitive.execute(stream, args);
  const Operand& output = plan.operands[2];
  if (output.converts) {
    memory result(output.tensor, engine(), data[2]);
    output.reorder.execute(stream, args.at(plan.names[2]), result);
  }
  stream.wait();
}

bool is_dense_layout(const Tensor& t) {
  return t.is_contiguous() || t.is_contiguous(MemoryFormat::kChannelsLast);
}
template <class Args> const char* reason(const Args& args) {
  const char* why = nullptr;
  Args tensors = args;
  tensors.visit([&](const char*, Tensor& t, Role) {
    if (!t.defined()) return;
    if (t.numel() == 0) why = "expected tensors with elements";
    if (t.dim() == 4 ? !is_dense_layout(t) : !t.is_contiguous()) {
      why = "expected contiguous or channels-last tensors";
    }
  });
  return why;
}

}  // namespace

const char* onednn::why_not(const Conv2d& a) { return reason(a); }
const char* onednn::why_not(const Conv2dBackwardInput& a) { return reason(a); }
const char* onednn::why_not(const Conv2dBackwardWeight& a) { return reason(a); }

namespace {

// A forward pass or the gradient of its input: from (N, ...) to to (N, channels, ...), by pieces of
// images, and of channels where there are few images.
struct Pass {
  char kind;
  std::unique_ptr<Plan> (*make)(const Problem&);
  const Tensor &from, &to, &weight, &bias;
  int weight_dim;  // of the weight, that of to's channels
  const Window2d& window;
  int64_t groups;

  void run() const {
    constexpr int64_t kPieces = 16, kFewestChannels = 64, kBlock = 16;
    const int64_t batch = to.sizes()[0], channels = to.sizes()[1];
    const int64_t images = (batch + kPieces - 1) / kPieces;
    const int64_t batches = (batch + images - 1) / images;
    const int64_t most = groups > 1 ? 1 : kPieces / batches;
    const int64_t slices = std::clamp<int64_t>(channels / kFewestChannels, 1, most);
    const int64_t slice =
        slices == 1 ? channels : ((channels + slices - 1) / slices + kBlock - 1) / kBlock * kBlock;
    const int64_t across = (channels + slice - 1) / slice;
    std::optional<SharedWeight> shared;
    if (across == 1 && batches > 1) shared.emplace(plan(part(0, images, 0, channels)), weight);
    parallel_for(batches * across, 1, [&](int64_t begin, int64_t end) {
      for (int64_t piece = begin; piece < end; ++piece) {
        const int64_t i = piece / across * images, c = piece % across * slice;
        const Part p = part(i, std::min(images, batch - i), c, std::min(slice, channels - c));
        execute(plan(p), {p.from.raw_data(), p.weight.raw_data(), p.to.raw_data()},
                p.bias.defined() ? p.bias.raw_data() : nullptr, shared ? &*shared : nullptr);
      }
    });
  }

 private:
  struct Part {
    Tensor from, to, weight, bias;
  };
  Part part(int64_t image, int64_t images, int64_t channel, int64_t channels) const {
    return {views::narrow(from, 0, image, images),
            views::narrow(views::narrow(to, 0, image, images), 1, channel, channels),
            groups > 1 ? weight : views::narrow(weight, weight_dim, channel, channels),
            bias.defined() ? views::narrow(bias, 0, channel, channels) : Tensor()};
  }
  const Plan& plan(const Part& p) const {
    const bool forward = kind == 'f';
    return plan_of(kind,
                   {forward ? &p.from : &p.to, &p.weight, forward ? &p.to : &p.from,
                    p.bias.defined(), &window, groups},
                   make);
  }
};

}  // namespace

void onednn::run(const Conv2d& a) {
  Pass{'f', make_forward, a.x, a.out, a.weight, a.bias, 0, a.window, a.groups}.run();
}
void onednn::run(const Conv2dBackwardInput& a) {
  Pass{'i', make_backward_input, a.g, a.dx, a.weight, Tensor(), 1, a.window, a.groups}.run();
}

// oneDNN would split the sum over images by the number of threads. So chunks of the batch, which
// depend on the shape only, go to primitives of one thread each, and are added in order.
void onednn::run(const Conv2dBackwardWeight& a) {
  const int64_t batch = a.x.sizes()[0], count = a.dw.numel();
  const int64_t channels = a.db.defined() ? a.db.numel() : 0, stride = count + channels;
  const int64_t limit = std::clamp<int64_t>(kPartialElements / stride, 1, 8);
  const int64_t chunk = (batch + limit - 1) / limit, chunks = (batch + chunk - 1) / chunk;
  Scratch<float> sums(chunks * stride);
  const Tensor x = views::narrow(a.x, 0, 0, chunk), g = views::narrow(a.g, 0, 0, chunk);
  const int64_t left = batch - (chunks - 1) * chunk;
  const Tensor last_x = views::narrow(a.x, 0, 0, left), last_g = views::narrow(a.g, 0, 0, left);
  const Plan& plan =
      plan_of('w', {&x, &a.dw, &g, channels > 0, &a.window, a.groups}, make_backward_weight);
  const Plan& last_plan = plan_of('w', {&last_x, &a.dw, &last_g, channels > 0, &a.window, a.groups},
                                  make_backward_weight);
  parallel_for(chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      float* to = sums.data() + c * stride;
      execute(c + 1 < chunks ? plan : last_plan,
              {x.data<float>() + c * chunk * a.x.strides()[0],
               g.data<float>() + c * chunk * a.g.strides()[0], to},
              channels > 0 ? to + count : nullptr);
    }
  });
  for (int64_t c = 1; c < chunks; ++c) {
    for (int64_t i = 0; i < stride; ++i) sums[i] += sums[c * stride + i];
  }
  // In dw's own layout, which may be channels-last.
  std::memcpy(a.dw.raw_data(), sums.data(), a.dw.nbytes());
  if (channels > 0) std::memcpy(a.db.raw_data(), sums.data() + count, a.db.nbytes());
}

namespace {
const bool kForward =
    conv2d_kernels().add({"onednn", kCPU, {kFloat32}, onednn::run, 0, onednn::why_not});
const bool kBackwardInput = conv2d_backward_input_kernels().add(
    {"onednn", kCPU, {kFloat32}, onednn::run, 0, onednn::why_not});
const bool kBackwardWeight = conv2d_backward_weight_kernels().add(
    {"onednn", kCPU, {kFloat32}, onednn::run, 0, onednn::why_not});
}  // namespace

}  // namespace iolaus
