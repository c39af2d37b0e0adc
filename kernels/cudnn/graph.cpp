// The one file that includes cudnn-frontend: building of graphs, plans, handles, execution.
#define NV_CUDNN_FRONTEND_USE_DYNAMIC_LOADING
#include "kernels/cudnn/graph.h"

#include <cudnn_frontend.h>

#include <bit>
#include <map>

#include "core/call_context.h"
#include "core/cuda/launch.h"
#include "core/cuda/stream.h"
#include "core/dynamic_library.h"
#include "kernels/fp32_precision.h"

namespace fe = cudnn_frontend;

namespace cudnn_frontend {
void* cudnn_dlhandle = nullptr;  // the front end looks for the library's functions here
}

namespace iolaus::cudnn {
namespace {

using Attributes = std::shared_ptr<fe::graph::Tensor_attributes>;
constexpr int64_t kMaxAlignment = 16;  // more promises nothing that an engine could use
constexpr int64_t kMaxWorkspace = int64_t{256} << 20;
constexpr size_t kMaxPlans = 4096;

const DynamicLibrary& library() {
  static auto* loaded = [] {
    auto* lib = new DynamicLibrary{"libcudnn.so.9"};
    fe::cudnn_dlhandle = lib->handle();
    return lib;
  }();
  return *loaded;
}

fe::DataType_t data_type(DType dtype) {
  switch (dtype) {
    case kFloat16:
      return fe::DataType_t::HALF;
    case kBFloat16:
      return fe::DataType_t::BFLOAT16;
    case kFloat32:
      return fe::DataType_t::FLOAT;
    default:
      return fe::DataType_t::NOT_SET;
  }
}

int64_t alignment_of(const void* data) {
  const auto address = reinterpret_cast<uintptr_t>(data) | static_cast<uintptr_t>(kMaxAlignment);
  return static_cast<int64_t>(address & (~address + 1));
}

// "conv2d_forward: TEXT; in conv2d (cudnn) on float32[...]".
[[noreturn]] void fail_call(ErrorCode code, const char* kind, const std::string& text) {
  const CallContext* context = CallContext::current();
  const char* op = context == nullptr ? "cudnn" : context->name;
  fail(code, "[{}] cuDNN, {}: {}{}{}", op, kind, text, context == nullptr ? "" : "; in ",
       context == nullptr ? "" : context->str());
}

// This thread's handle of a device; never destroyed, since the driver may end before the thread.
cudnnHandle_t handle(int device, const char* kind) {
  thread_local std::map<int, cudnnHandle_t> handles;
  cudnnHandle_t& found = handles[device];
  if (found == nullptr) {
    const cudnnStatus_t status = fe::detail::create_handle(&found);
    if (status != CUDNN_STATUS_SUCCESS) {
      fail_call(ErrorCode::kDevice, kind,
                std::string("cudnnCreate failed: ") + fe::detail::get_error_string(status));
    }
  }
  return found;
}

std::vector<int64_t> list(const Dims& dims) { return {dims.begin(), dims.end()}; }
std::vector<int64_t> list(const int64_t (&values)[2]) { return {values[0], values[1]}; }

}  // namespace

// A graph and its tensors by the ids of the problem, which are also the tensors' uids. The problem
// is looked at only while the graph is described.
class GraphImpl {
 public:
  explicit GraphImpl(const Problem& problem) : problem_(problem) {
    graph.set_intermediate_data_type(fe::DataType_t::FLOAT)
        .set_compute_data_type(fe::DataType_t::FLOAT);
  }
  Attributes in(Id id) {
    if (id == kNone) return nullptr;
    Attributes& found = inputs_[id];
    if (found == nullptr) {
      fe::graph::Tensor_attributes a;
      describe(a, id);
      found = graph.tensor(a);
    }
    return found;
  }
  // Makes a result of an operation an operand.
  void out(const Attributes& result, Id id) {
    if (result == nullptr) return;
    result->set_output(true);
    describe(*result, id);
  }
  Attributes number(double value) {
    return graph.tensor(fe::graph::Tensor_attributes(static_cast<float>(value)));
  }
  const Operand& operand(Id id) const { return problem_.operands_[static_cast<size_t>(id) - 1]; }

  fe::graph::Graph graph;

 private:
  void describe(fe::graph::Tensor_attributes& a, Id id) const {
    const Operand& o = operand(id);
    a.set_name("operand" + std::to_string(id))
        .set_uid(id)
        .set_data_type(data_type(o.dtype))
        .set_dim(list(o.sizes))
        .set_stride(list(o.strides))
        .set_alignment(alignment_of(o.data));
  }

  const Problem& problem_;
  std::map<Id, Attributes> inputs_;
};

namespace {

template <class A> A conv_attributes(const Window2d& w) {
  A a;
  a.set_padding(list(w.padding))
      .set_stride(list(w.stride))
      .set_dilation(list(w.dilation))
      .set_convolution_mode(fe::ConvolutionMode_t::CROSS_CORRELATION);
  return a;
}

}  // namespace

void Graph::conv_forward(Id x, Id w, Id bias, Id y, const Window2d& window) {
  fe::graph::Graph& g = impl_.graph;
  Attributes result = g.conv_fprop(impl_.in(x), impl_.in(w),
                                   conv_attributes<fe::graph::Conv_fprop_attributes>(window));
  if (bias != kNone) {
    // The sum stays inside of the graph, in float.
    result->set_data_type(fe::DataType_t::FLOAT);
    result = g.pointwise(result, impl_.in(bias),
                         fe::graph::Pointwise_attributes().set_mode(fe::PointwiseMode_t::ADD));
  }
  impl_.out(result, y);
}

void Graph::conv_backward_input(Id grad, Id w, Id dx, const Window2d& window) {
  impl_.out(impl_.graph.conv_dgrad(impl_.in(grad), impl_.in(w),
                                   conv_attributes<fe::graph::Conv_dgrad_attributes>(window)),
            dx);
}

void Graph::conv_backward_weight(Id grad, Id x, Id dw, const Window2d& window) {
  impl_.out(impl_.graph.conv_wgrad(impl_.in(grad), impl_.in(x),
                                   conv_attributes<fe::graph::Conv_wgrad_attributes>(window)),
            dw);
}

void Graph::batch_norm(Id x, Id gamma, Id beta, Id y, Id mean, Id invstd, Id running_mean,
                       Id running_var, Id next_mean, Id next_var, double eps, double momentum) {
  fe::graph::Batchnorm_attributes a;
  Attributes epsilon = impl_.number(eps);
  a.set_epsilon(epsilon);
  if (running_mean != kNone) {
    Attributes previous_mean = impl_.in(running_mean), previous_var = impl_.in(running_var);
    Attributes factor = impl_.number(momentum);
    a.set_previous_running_stats(previous_mean, previous_var, factor);
  }
  const auto [out, batch_mean, batch_invstd, new_mean, new_var] =
      impl_.graph.batchnorm(impl_.in(x), impl_.in(gamma), impl_.in(beta), a);
  impl_.out(out, y), impl_.out(batch_mean, mean), impl_.out(batch_invstd, invstd);
  if (running_mean == kNone) return;
  impl_.out(new_mean, next_mean), impl_.out(new_var, next_var);
}

void Graph::batch_norm_backward(Id grad, Id x, Id gamma, Id mean, Id invstd, Id dx, Id dgamma,
                                Id dbeta) {
  fe::graph::Batchnorm_backward_attributes a;
  a.set_saved_mean_and_inv_variance(impl_.in(mean), impl_.in(invstd));
  const auto [d, dscale, dbias] =
      impl_.graph.batchnorm_backward(impl_.in(grad), impl_.in(x), impl_.in(gamma), a);
  impl_.out(d, dx), impl_.out(dscale, dgamma), impl_.out(dbias, dbeta);
}

void Graph::layer_norm(Id x, Id gamma, Id beta, Id y, Id mean, Id rstd, double eps) {
  fe::graph::Layernorm_attributes a;
  Attributes epsilon = impl_.number(eps);
  a.set_forward_phase(fe::NormFwdPhase_t::TRAINING).set_epsilon(epsilon);
  const auto [out, row_mean, row_rstd] =
      impl_.graph.layernorm(impl_.in(x), impl_.in(gamma), impl_.in(beta), a);
  impl_.out(out, y), impl_.out(row_mean, mean), impl_.out(row_rstd, rstd);
}

void Graph::layer_norm_backward(Id grad, Id x, Id gamma, Id mean, Id rstd, Id dx, Id dgamma,
                                Id dbeta) {
  fe::graph::Layernorm_backward_attributes a;
  a.set_saved_mean_and_inv_variance(impl_.in(mean), impl_.in(rstd));
  const auto [d, dscale, dbias] =
      impl_.graph.layernorm_backward(impl_.in(grad), impl_.in(x), impl_.in(gamma), a);
  impl_.out(d, dx), impl_.out(dscale, dgamma), impl_.out(dbias, dbeta);
}

void Graph::rms_norm(Id x, Id gamma, Id y, Id rstd, double eps) {
  fe::graph::Rmsnorm_attributes a;
  Attributes epsilon = impl_.number(eps);
  a.set_forward_phase(fe::NormFwdPhase_t::TRAINING).set_epsilon(epsilon);
  const auto [out, row_rstd] = impl_.graph.rmsnorm(impl_.in(x), impl_.in(gamma), a);
  impl_.out(out, y), impl_.out(row_rstd, rstd);
}

void Graph::rms_norm_backward(Id grad, Id x, Id gamma, Id rstd, Id dx, Id dgamma) {
  const auto [d, dscale, dbias] =
      impl_.graph.rmsnorm_backward(impl_.in(grad), impl_.in(x), impl_.in(gamma), impl_.in(rstd),
                                   fe::graph::Rmsnorm_backward_attributes().has_dbias(false));
  impl_.out(d, dx), impl_.out(dscale, dgamma);
}

void Graph::average_pool(Id x, Id y, const Window2d& window, const int64_t after[2],
                         bool count_padding) {
  fe::graph::Resample_attributes a;
  a.set_resampling_mode(count_padding ? fe::ResampleMode_t::AVGPOOL_INCLUDE_PADDING
                                      : fe::ResampleMode_t::AVGPOOL_EXCLUDE_PADDING)
      .set_padding_mode(fe::PaddingMode_t::ZERO_PAD)
      .set_window(list(window.kernel))
      .set_stride(list(window.stride))
      .set_pre_padding(list(window.padding))
      .set_post_padding(std::vector<int64_t>{after[0], after[1]})
      .set_generate_index(false);
  const auto [out, index] = impl_.graph.resample(impl_.in(x), a);
  impl_.out(out, y);
}

void Graph::attention(Id q, Id k, Id v, Id o, Id stats, double scale, bool causal) {
  fe::graph::SDPA_attributes a;
  a.set_name("attention")
      .set_generate_stats(stats != kNone)
      .set_attn_scale(static_cast<float>(scale));
  if (causal) a.set_causal_mask(true);
  const auto [out, log_sums] = impl_.graph.sdpa(impl_.in(q), impl_.in(k), impl_.in(v), a);
  impl_.out(out, o);
  if (stats != kNone) impl_.out(log_sums, stats);
}

void Graph::attention_backward(Id q, Id k, Id v, Id o, Id grad, Id stats, Id dq, Id dk, Id dv,
                               double scale, bool causal) {
  fe::graph::SDPA_backward_attributes a;
  a.set_name("attention_backward")
      .set_attn_scale(static_cast<float>(scale))
      .set_deterministic_algorithm(true);
  if (causal) a.set_causal_mask(true);
  const auto [q_grad, k_grad, v_grad] = impl_.graph.sdpa_backward(
      impl_.in(q), impl_.in(k), impl_.in(v), impl_.in(o), impl_.in(grad), impl_.in(stats), a);
  impl_.out(q_grad, dq), impl_.out(k_grad, dk), impl_.out(v_grad, dv);
}

struct Problem::Plan {
  std::shared_ptr<GraphImpl> impl;
  std::string problem;  // why there is none
  int64_t workspace = 0;
};

const char* missing() {
  static const std::string* problem = [] {
    const DynamicLibrary& lib = library();
    return new std::string(lib.is_open() ? ""
                                         : "cuDNN (libcudnn.so.9) is not there: " + lib.problem());
  }();
  return problem->empty() ? nullptr : problem->c_str();
}

Problem::Problem(const char* kind, Device device) : kind_(kind), device_(device) {
  key_.push_back(device.index);
  key_.push_back(static_cast<int64_t>(fp32_precision()));
}

Id Problem::tensor(const Tensor& t) {
  return t.defined() ? tensor(t.raw_data(), t.dtype(), t.sizes(), t.strides())
                     : tensor(nullptr, kFloat32, {}, {});
}

Id Problem::tensor(const void* data, DType dtype, const Dims& sizes, const Dims& strides) {
  key_.push_back(data == nullptr ? -1 : static_cast<int64_t>(dtype));
  if (data == nullptr) return kNone;
  key_.push_back(sizes.rank());
  key_.insert(key_.end(), sizes.begin(), sizes.end());
  key_.insert(key_.end(), strides.begin(), strides.end());
  key_.push_back(alignment_of(data));
  operands_.push_back({const_cast<void*>(data), dtype, sizes, strides});
  return static_cast<Id>(operands_.size());
}

void Problem::depends_on(std::initializer_list<double> numbers) {
  for (const double number : numbers) key_.push_back(std::bit_cast<int64_t>(number));
}

void Problem::depends_on(const Window2d& w) {
  for (const auto* part : {w.kernel, w.stride, w.padding, w.dilation}) {
    key_.push_back(part[0]), key_.push_back(part[1]);
  }
}

Problem::Plan& Problem::plan(const std::function<void(Graph&)>& build) const {
  thread_local std::map<std::pair<std::string, std::vector<int64_t>>, Plan> plans;
  const auto key = std::make_pair(std::string(kind_), key_);
  const auto found = plans.find(key);
  if (found != plans.end()) return found->second;
  if (plans.size() >= kMaxPlans) plans.clear();
  Plan plan;
  plan.impl = std::make_shared<GraphImpl>(*this);
  fe::graph::Graph& graph = plan.impl->graph;
  try {
    Graph description(*plan.impl);
    build(description);
    const cuda::DeviceGuard guard(device_.index);
    const cudnnHandle_t cudnn = handle(device_.index, kind_);
    fe::error_t error = graph.validate();
    if (error.is_good()) error = graph.build_operation_graph(cudnn);
    if (error.is_good()) {
      error = graph.create_execution_plans({fe::HeurMode_t::A, fe::HeurMode_t::FALLBACK});
    }
    if (error.is_good()) {
      std::vector<fe::NumericalNote_t> notes{
          fe::NumericalNote_t::REDUCED_PRECISION_REDUCTION, fe::NumericalNote_t::NONDETERMINISTIC,
          fe::NumericalNote_t::FFT, fe::NumericalNote_t::WINOGRAD_TILE_6x6,
          fe::NumericalNote_t::WINOGRAD_TILE_13x13};
      if (operands_.front().dtype == kFloat32 && fp32_precision() == Fp32Precision::kIeee) {
        // On tensor cores it would be TF32.
        notes.push_back(fe::NumericalNote_t::TENSOR_CORE);
        notes.push_back(fe::NumericalNote_t::DOWN_CONVERT_INPUTS);
      }
      graph.deselect_numeric_notes(notes);
      graph.deselect_workspace_greater_than(kMaxWorkspace);
      error = graph.check_support();
    }
    if (error.is_good()) error = graph.build_plans(fe::BuildPlanPolicy_t::HEURISTICS_CHOICE);
    if (error.is_good()) error = graph.get_workspace_size(plan.workspace);
    if (error.is_bad()) {
      plan.problem = "cuDNN " + fe::detail::get_backend_version_string() +
                     " has no plan for it: " + error.get_message();
    }
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {  // the front end throws where a function is missing
    plan.problem = std::string("cuDNN: ") + e.what();
  }
  if (!plan.problem.empty()) plan.impl.reset();
  return plans.emplace(key, std::move(plan)).first->second;
}

const std::string& Problem::why_not(const std::function<void(Graph&)>& build) const {
  return plan(build).problem;
}

void Problem::run(const std::function<void(Graph&)>& build) const {
  const cuda::OnDevice stream(device_);
  Plan& p = plan(build);
  if (!p.problem.empty()) fail_call(ErrorCode::kUnsupported, kind_, p.problem);
  const cudnnHandle_t cudnn = handle(device_.index, kind_);
  const cudnnStatus_t status = fe::detail::set_stream(cudnn, stream);
  if (status != CUDNN_STATUS_SUCCESS) {
    fail_call(ErrorCode::kDevice, kind_,
              std::string("cudnnSetStream failed: ") + fe::detail::get_error_string(status));
  }
  std::unordered_map<int64_t, void*> pointers;
  for (size_t i = 0; i < operands_.size(); ++i) {
    pointers.emplace(static_cast<int64_t>(i) + 1, operands_[i].data);
  }
  struct Workspace {
    Device device;
    size_t nbytes;
    void* data;
    ~Workspace() {
      if (data != nullptr) backend(kCUDA).free(device, data, nbytes);
    }
  } workspace{device_, static_cast<size_t>(p.workspace), nullptr};
  if (p.workspace > 0) workspace.data = backend(kCUDA).allocate(device_, workspace.nbytes);
  fe::error_t error = p.impl->graph.execute(cudnn, pointers, workspace.data);
  if (error.is_bad()) fail_call(ErrorCode::kDevice, kind_, error.get_message());
  cuda::check_library_call(kind_, stream);
}

Id channels(Problem& problem, const Tensor& t) {
  if (!t.defined()) return problem.tensor(t);
  const int64_t count = t.numel();
  return problem.tensor(t.raw_data(), t.dtype(), {1, count, 1, 1}, {count, 1, count, count});
}

}  // namespace iolaus::cudnn
