// matmul by cuBLASLt, the vendor's library, loaded when first needed: no program depends on it.
// Row-major C = A B is computed as column-major C' = B' A', so no operand is copied. float32 stays
// float32 (no TF32); 16-bit types accumulate in float. The plan (algorithm) for each shape, layout
// and alignment is asked for once and kept.
#include <cublasLt.h>

#include <array>
#include <map>
#include <mutex>

#include "core/cuda/handle.h"
#include "core/cuda/stream.h"
#include "core/dynamic_library.h"
#include "kernels/matmul/matmul.h"

namespace iolaus {
namespace {

constexpr size_t kWorkspace = size_t{32} << 20;

// The functions that are used, by name.
struct Library {
  DynamicLibrary library{"libcublasLt.so.13", "libcublasLt.so.12"};
  decltype(&cublasLtCreate) create;
  decltype(&cublasLtMatmul) matmul;
  decltype(&cublasLtMatmulDescCreate) desc_create;
  decltype(&cublasLtMatmulDescDestroy) desc_destroy;
  decltype(&cublasLtMatmulDescSetAttribute) desc_set;
  decltype(&cublasLtMatrixLayoutCreate) layout_create;
  decltype(&cublasLtMatrixLayoutDestroy) layout_destroy;
  decltype(&cublasLtMatrixLayoutSetAttribute) layout_set;
  decltype(&cublasLtMatmulPreferenceCreate) preference_create;
  decltype(&cublasLtMatmulPreferenceDestroy) preference_destroy;
  decltype(&cublasLtMatmulPreferenceSetAttribute) preference_set;
  decltype(&cublasLtMatmulAlgoGetHeuristic) heuristic;

  Library() {
    if (!library.is_open()) return;
    load(create, "cublasLtCreate");
    load(matmul, "cublasLtMatmul");
    load(desc_create, "cublasLtMatmulDescCreate");
    load(desc_destroy, "cublasLtMatmulDescDestroy");
    load(desc_set, "cublasLtMatmulDescSetAttribute");
    load(layout_create, "cublasLtMatrixLayoutCreate");
    load(layout_destroy, "cublasLtMatrixLayoutDestroy");
    load(layout_set, "cublasLtMatrixLayoutSetAttribute");
    load(preference_create, "cublasLtMatmulPreferenceCreate");
    load(preference_destroy, "cublasLtMatmulPreferenceDestroy");
    load(preference_set, "cublasLtMatmulPreferenceSetAttribute");
    load(heuristic, "cublasLtMatmulAlgoGetHeuristic");
  }
  template <class Fn> void load(Fn& fn, const char* name) { fn = library.get<Fn>(name); }
};
const Library& lt() {
  static auto* library = new Library;
  return *library;
}

void check(cublasStatus_t status, const char* call) {
  IOLAUS_CHECK_CODE(status == CUBLAS_STATUS_SUCCESS, ErrorCode::kDevice,
                    "[matmul] {} failed with cuBLAS status {}", call, static_cast<int>(status));
}

using Desc =
    cuda::Handle<cublasLtMatmulDesc_t, [](cublasLtMatmulDesc_t d) { return lt().desc_destroy(d); }>;
using Layout = cuda::Handle<cublasLtMatrixLayout_t,
                            [](cublasLtMatrixLayout_t d) { return lt().layout_destroy(d); }>;
using Preference = cuda::Handle<cublasLtMatmulPreference_t, [](cublasLtMatmulPreference_t d) {
  return lt().preference_destroy(d);
}>;

// One handle a device, never destroyed; cuBLASLt handles may be shared by threads.
cublasLtHandle_t device_handle(int device) {
  static std::mutex mutex;
  static std::map<int, cublasLtHandle_t> handles;
  std::lock_guard lock(mutex);
  cublasLtHandle_t& handle = handles[device];
  if (handle == nullptr) check(lt().create(&handle), "cublasLtCreate");
  return handle;
}

// A stored matrix as cuBLASLt sees it: column-major with a leading dimension, perhaps transposed.
struct View {
  bool transposed = false;
  int64_t leading = 0;
  int64_t batch_stride = 0;
};

// (rows, columns) with strides: read as column-major (columns, rows), so a row-major matrix needs
// no transposition. Nothing where no stride is 1, or rows overlap.
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

struct Views {
  View c, a, b;
};
bool views_of(const Matmul& p, Views& v) {
  return view_of(p, 0, p.m, p.n, v.c) && !v.c.transposed && view_of(p, 1, p.m, p.k, v.a) &&
         view_of(p, 2, p.k, p.n, v.b);
}

const char* why_not(const Matmul& p) {
  constexpr int64_t kLimit = int64_t{1} << 31;
  Views views;
  if (p.m == 0 || p.n == 0 || p.k == 0 || p.batch == 0) return "the product is empty";
  if (p.m >= kLimit || p.n >= kLimit || p.k >= kLimit || p.batch >= kLimit) {
    return "sizes must be below 2^31";
  }
  if (p.batch_rank > 1) return "batch dimensions must have one common stride";
  if (!views_of(p, views)) return "matrices must be dense in rows or columns, C in rows";
  if (p.bias != nullptr && (p.bias_stride != 1 || p.element == kFloat64)) {
    return "bias must be contiguous and not float64";
  }
  if (!lt().library.is_open()) return "cuBLASLt (libcublasLt.so.13) is not installed";
  return nullptr;
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

template <class T> void set(const Desc& desc, cublasLtMatmulDescAttributes_t what, const T& value) {
  check(lt().desc_set(desc.get(), what, &value, sizeof value), "cublasLtMatmulDescSetAttribute");
}

Layout make_layout(const Matmul& p, const View& view, int64_t rows, int64_t columns) {
  const int64_t first = view.transposed ? rows : columns, second = view.transposed ? columns : rows;
  Layout layout;
  check(lt().layout_create(layout.out(), data_type(p.element), static_cast<uint64_t>(first),
                           static_cast<uint64_t>(second), view.leading),
        "cublasLtMatrixLayoutCreate");
  if (p.batch_rank > 0) {
    const auto count = static_cast<int32_t>(p.batch);
    check(lt().layout_set(layout.get(), CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count),
          "cublasLtMatrixLayoutSetAttribute");
    check(lt().layout_set(layout.get(), CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET,
                          &view.batch_stride, sizeof view.batch_stride),
          "cublasLtMatrixLayoutSetAttribute");
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
          0};
}

struct Plan {
  Desc desc;
  Layout a, b, c;
  cublasLtMatmulAlgo_t algo;
  size_t workspace;
};

void make_plan(const Matmul& p, const Views& v, Plan& plan) {
  const bool wide = p.element == kFloat64;
  check(lt().desc_create(plan.desc.out(), wide ? CUBLAS_COMPUTE_64F : CUBLAS_COMPUTE_32F,
                         wide ? CUDA_R_64F : CUDA_R_32F),
        "cublasLtMatmulDescCreate");
  // cuBLASLt's first operand is our B, its second our A.
  set(plan.desc, CUBLASLT_MATMUL_DESC_TRANSA, v.b.transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(plan.desc, CUBLASLT_MATMUL_DESC_TRANSB, v.a.transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
  if (p.bias != nullptr) {
    set(plan.desc, CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
    set(plan.desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, p.bias);
  }
  plan.a = make_layout(p, v.a, p.m, p.k);
  plan.b = make_layout(p, v.b, p.k, p.n);
  plan.c = make_layout(p, v.c, p.m, p.n);

  Preference preference;
  check(lt().preference_create(preference.out()), "cublasLtMatmulPreferenceCreate");
  const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t what, const auto& value) {
    check(lt().preference_set(preference.get(), what, &value, sizeof value),
          "cublasLtMatmulPreferenceSetAttribute");
  };
  prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kWorkspace);
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment_of(p.data[2]));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment_of(p.data[1]));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment_of(p.data[0]));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment_of(p.data[0]));
  cublasLtMatmulHeuristicResult_t result{};
  int found = 0;
  check(lt().heuristic(device_handle(p.target.index), plan.desc.get(), plan.b.get(), plan.a.get(),
                       plan.c.get(), plan.c.get(), preference.get(), 1, &result, &found),
        "cublasLtMatmulAlgoGetHeuristic");
  IOLAUS_CHECK_CODE(found > 0, ErrorCode::kUnsupported,
                    "[matmul] cuBLASLt has no algorithm for {}; use kernels.matmul=tile",
                    p.describe());
  plan.algo = result.algo;
  plan.workspace = result.workspaceSize;
}

// Plans are kept for the thread that made them: a descriptor holds the bias of the call.
Plan& plan_for(const Matmul& p, const Views& views) {
  thread_local std::map<Key, Plan> plans;
  const Key key = key_of(p, views);
  const auto found = plans.find(key);
  if (found != plans.end()) return found->second;
  if (plans.size() >= 4096) plans.clear();
  Plan plan;
  make_plan(p, views, plan);
  return plans.emplace(key, std::move(plan)).first->second;
}

void run(const Matmul& p) {
  const cuda::OnDevice stream(p.device());
  Views views;
  views_of(p, views);
  Plan& plan = plan_for(p, views);
  if (p.bias != nullptr) set(plan.desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, p.bias);

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
  check(lt().matmul(device_handle(p.target.index), plan.desc.get(), scale_ab, p.data[2],
                    plan.b.get(), p.data[1], plan.a.get(), scale_c, p.data[0], plan.c.get(),
                    p.data[0], plan.c.get(), &plan.algo, workspace.data, workspace.nbytes, stream),
        "cublasLtMatmul");
}

const bool kRegistered = matmul_kernels().add(
    {"cublaslt", kCUDA, {kFloat32, kFloat64, kFloat16, kBFloat16}, run, 10, why_not});

}  // namespace
}  // namespace iolaus
