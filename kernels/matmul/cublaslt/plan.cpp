// Making and keeping of plans, and the choice between algorithms.
#include "kernels/matmul/cublaslt/plan.h"

#include <array>
#include <map>

#include "core/cuda/launch.h"
#include "core/cuda/stream.h"
#include "kernels/fp32_precision.h"
#include "kernels/tune.h"

namespace iolaus::cublaslt {
namespace {

constexpr size_t kWorkspace = size_t{32} << 20;
constexpr int kAlgorithms = 8;
constexpr size_t kMaxPlans = 4096;

// (rows, columns) with strides: read as column-major (columns, rows), so a row-major matrix needs
// no transposition.
bool view_of(const Matmul& p, int operand, int64_t rows, int64_t columns, View& view) {
  const int64_t row = p.row[operand], column = p.column[operand];
  if ((column == 1 || columns == 1) && (row >= columns || rows == 1)) {
    view = {false, rows == 1 ? std::max<int64_t>(columns, 1) : row};
  } else if ((row == 1 || rows == 1) && (column >= rows || columns == 1)) {
    view = {true, columns == 1 ? std::max<int64_t>(rows, 1) : column};
  } else {
    return false;
  }
  if (p.batch_rank > 0) view.batch_stride = p.batch_strides[operand][0];
  return view.leading < (int64_t{1} << 31);
}

cudaDataType_t data_type(DType dtype) {
  switch (dtype) {
    case kFloat64:
      return CUDA_R_64F;
    case kFloat16:
      return CUDA_R_16F;
    case kBFloat16:
      return CUDA_R_16BF;
    default:
      return CUDA_R_32F;
  }
}

template <class T>
void set(const Desc& desc, cublasLtMatmulDescAttributes_t what, const T& value, const Matmul& p) {
  check(lt().desc_set(desc.get(), what, &value, sizeof value), "cublasLtMatmulDescSetAttribute", p);
}

Layout make_layout(const Matmul& p, const View& view, int64_t rows, int64_t columns) {
  const int64_t first = view.transposed ? rows : columns, second = view.transposed ? columns : rows;
  Layout layout;
  check(lt().layout_create(layout.out(), data_type(p.element), static_cast<uint64_t>(first),
                           static_cast<uint64_t>(second), view.leading),
        "cublasLtMatrixLayoutCreate", p);
  if (p.batch_rank > 0) {
    const auto count = static_cast<int32_t>(p.batch);
    check(lt().layout_set(layout.get(), CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count),
          "cublasLtMatrixLayoutSetAttribute", p);
    check(lt().layout_set(layout.get(), CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET,
                          &view.batch_stride, sizeof view.batch_stride),
          "cublasLtMatrixLayoutSetAttribute", p);
  }
  return layout;
}

// The largest power of two up to 256 that divides the address.
uint32_t alignment_of(const void* data) {
  const auto address = reinterpret_cast<uintptr_t>(data) | 256;
  return static_cast<uint32_t>(address & (~address + 1));
}

// Everything a plan depends on.
using Key = std::array<int64_t, 20>;
Key key_of(const Matmul& p, const Views& v) {
  return {p.target.index,
          static_cast<int64_t>(p.element),
          p.m,
          p.n,
          p.k,
          p.batch_rank == 0 ? 0 : p.batch,
          v.c.leading,
          v.a.leading,
          v.b.leading,
          v.a.transposed,
          v.b.transposed,
          v.c.batch_stride,
          v.a.batch_stride,
          v.b.batch_stride,
          alignment_of(p.data[0]),
          alignment_of(p.data[1]),
          alignment_of(p.data[2]),
          p.bias == nullptr ? 0 : alignment_of(p.bias),
          p.beta != 0,
          static_cast<int64_t>(fp32_precision())};
}

// What the library proposes, best first.
std::vector<cublasLtMatmulHeuristicResult_t> algorithms(const Matmul& p, const Plan& plan) {
  Preference preference;
  check(lt().preference_create(preference.out()), "cublasLtMatmulPreferenceCreate", p);
  const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t what, const auto& value) {
    check(lt().preference_set(preference.get(), what, &value, sizeof value),
          "cublasLtMatmulPreferenceSetAttribute", p);
  };
  prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kWorkspace);
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment_of(p.data[2]));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment_of(p.data[1]));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment_of(p.data[0]));
  // An epilogue loads the bias as widely as it stores D; there is no preference of its own for it.
  const uint32_t d = alignment_of(p.data[0]);
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES,
         p.bias == nullptr ? d : std::min(d, alignment_of(p.bias)));
  std::vector<cublasLtMatmulHeuristicResult_t> found(kAlgorithms);
  int count = 0;
  const cublasStatus_t status =
      lt().heuristic(device_handle(p), plan.desc.get(), plan.b.get(), plan.a.get(), plan.c.get(),
                     plan.c.get(), preference.get(), kAlgorithms, found.data(), &count);
  if (status == CUBLAS_STATUS_NOT_SUPPORTED)
    count = 0;
  else
    check(status, "cublasLtMatmulAlgoGetHeuristic", p);
  found.resize(static_cast<size_t>(count));
  std::erase_if(found, [](const auto& f) { return f.state != CUBLAS_STATUS_SUCCESS; });
  IOLAUS_CHECK_CODE(!found.empty(), ErrorCode::kUnsupported,
                    "[matmul] cuBLASLt has no algorithm for {}; use kernels.matmul=tile",
                    p.describe());
  return found;
}

// Memory laid out as C, and the tensor that it is.
Tensor like_c(const Matmul& p) {
  Matmul own = p;
  own.adopt();
  return empty_strided(own.keep[0].sizes(), own.keep[0].strides(),
                       {.dtype = p.element, .device = p.target});
}

// Runs every algorithm into memory of its own, leaves out those that fail or differ from the first,
// and takes the fastest. The first wins near-ties.
void measure(const Matmul& p, Plan& plan,
             const std::vector<cublasLtMatmulHeuristicResult_t>& found) {
  const auto use = [&](const cublasLtMatmulHeuristicResult_t& f) {
    plan.algo = f.algo;
    plan.workspace = f.workspaceSize;
  };
  const Tensor first = like_c(p), other = like_c(p);
  std::vector<cublasLtMatmulHeuristicResult_t> good;
  for (const auto& f : found) {
    use(f);
    try {
      launch(plan, p, (good.empty() ? first : other).raw_data());
      backend(kCUDA).synchronize(p.target);
    } catch (const Error&) {
      continue;  // a proposal need not work
    }
    CheckResult result;
    result.passed = true;
    if (!good.empty()) {
      iolaus::detail::compare_output("c", other, first, p.element, p.reduction(), result);
    }
    if (result.passed) good.push_back(f);
  }
  if (good.empty()) return use(found.front());
  std::vector<std::function<void()>> works;
  for (const auto& f : good) {
    works.push_back([&] {
      use(f);
      launch(plan, p, other.raw_data());
    });
  }
  use(good[iolaus::detail::fastest(iolaus::detail::time_in_turns(p.target, works))]);
}

void make_plan(const Matmul& p, const Views& v, Plan& plan) {
  const bool wide = p.element == kFloat64;
  const bool tf32 = p.element == kFloat32 && fp32_precision() == Fp32Precision::kTf32;
  const cublasComputeType_t compute = wide   ? CUBLAS_COMPUTE_64F
                                      : tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32
                                             : CUBLAS_COMPUTE_32F;
  check(lt().desc_create(plan.desc.out(), compute, wide ? CUDA_R_64F : CUDA_R_32F),
        "cublasLtMatmulDescCreate", p);
  // cuBLASLt's first operand is our B, its second our A.
  set(plan.desc, CUBLASLT_MATMUL_DESC_TRANSA, v.b.transposed ? CUBLAS_OP_T : CUBLAS_OP_N, p);
  set(plan.desc, CUBLASLT_MATMUL_DESC_TRANSB, v.a.transposed ? CUBLAS_OP_T : CUBLAS_OP_N, p);
  if (p.bias != nullptr) {
    set(plan.desc, CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS, p);
    set(plan.desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, p.bias, p);
  }
  plan.a = make_layout(p, v.a, p.m, p.k);
  plan.b = make_layout(p, v.b, p.k, p.n);
  plan.c = make_layout(p, v.c, p.m, p.n);
  const auto found = algorithms(p, plan);
  plan.algo = found.front().algo;
  plan.workspace = found.front().workspaceSize;
  if (found.size() > 1 && tune_mode() == TuneMode::kTune &&
      !backend(kCUDA).is_recording(p.target)) {
    measure(p, plan, found);
  }
}

}  // namespace

bool views_of(const Matmul& p, Views& v) {
  return view_of(p, 0, p.m, p.n, v.c) && !v.c.transposed && view_of(p, 1, p.m, p.k, v.a) &&
         view_of(p, 2, p.k, p.n, v.b);
}

Plan& plan_for(const Matmul& p, const Views& views) {
  thread_local std::map<Key, Plan> plans;
  const Key key = key_of(p, views);
  const auto found = plans.find(key);
  if (found != plans.end()) return found->second;
  if (plans.size() >= kMaxPlans) plans.clear();
  Plan plan;
  make_plan(p, views, plan);
  return plans.emplace(key, std::move(plan)).first->second;
}

void launch(const Plan& plan, const Matmul& p, void* d) {
  const cuda::OnDevice stream(p.device());
  if (p.bias != nullptr) set(plan.desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, p.bias, p);

  struct Workspace {
    Device device;
    size_t nbytes;
    void* data;
    ~Workspace() {
      if (data != nullptr) backend(kCUDA).free(device, data, nbytes);
    }
  } workspace{p.device(), plan.workspace,
              plan.workspace == 0 ? nullptr : backend(kCUDA).allocate(p.device(), plan.workspace)};

  const auto alpha = static_cast<float>(p.alpha), beta = static_cast<float>(p.beta);
  const bool wide = p.element == kFloat64;
  const void* scale_ab = wide ? static_cast<const void*>(&p.alpha) : &alpha;
  const void* scale_c = wide ? static_cast<const void*>(&p.beta) : &beta;
  check(lt().matmul(device_handle(p), plan.desc.get(), scale_ab, p.data[2], plan.b.get(), p.data[1],
                    plan.a.get(), scale_c, p.data[0], plan.c.get(), d, plan.c.get(), &plan.algo,
                    workspace.data, workspace.nbytes, stream),
        "cublasLtMatmul", p);
  cuda::check_library_call("cublasLtMatmul", stream);
}

}  // namespace iolaus::cublaslt
