// The cuBLASLt calls that Iolaus makes, on the simulated device: the same symbols, descriptors,
// argument checks and order on streams. So leading dimensions, transpositions, strides of batches,
// alignment promises and workspaces are tested where no GPU is. Matrices are computed one element
// after the other, in the compute type's precision. What Iolaus does not use is NOT_SUPPORTED.
#include <cublasLt.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <string>

#include "core/cuda/sim/diagnosis.h"
#include "core/cuda/sim/memory.h"
#include "core/cuda/sim/stream.h"
#include "core/dynamic_library.h"
#include "core/half.h"

using namespace iolaus;

struct cublasLtContext {};

namespace {

constexpr auto kOk = CUBLAS_STATUS_SUCCESS;
constexpr auto kInvalid = CUBLAS_STATUS_INVALID_VALUE;
constexpr auto kNotSupported = CUBLAS_STATUS_NOT_SUPPORTED;

struct Layout {
  cudaDataType_t type;
  uint64_t rows, columns;
  int64_t leading;
  int32_t batches = 1;
  int64_t batch_stride = 0;
  cublasLtOrder_t order = CUBLASLT_ORDER_COL;
};
struct Desc {
  cublasComputeType_t compute;
  cudaDataType_t scale;
  cublasOperation_t op_a = CUBLAS_OP_N, op_b = CUBLAS_OP_N;
  cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  const void* bias = nullptr;
};
struct Preference {
  uint64_t workspace = 0;
  uint32_t alignment[4] = {256, 256, 256, 256};  // of A, B, C, D, as the library assumes
};
// What an algorithm promised to work with lies in cublasLtMatmulAlgo_t::data.
struct Algorithm {
  uint64_t mark;
  uint64_t backwards;  // the order of summation
  uint64_t workspace;
  uint32_t alignment[4];
};
static_assert(sizeof(Algorithm) <= sizeof(cublasLtMatmulAlgo_t));
constexpr uint64_t kMark = 0x696f6c6175736c74u;
constexpr uint64_t kAlgorithmWorkspace = 4096;

Layout& get(cublasLtMatrixLayout_t layout) { return *reinterpret_cast<Layout*>(layout); }
Desc& get(cublasLtMatmulDesc_t desc) { return *reinterpret_cast<Desc*>(desc); }
Preference& get(cublasLtMatmulPreference_t p) { return *reinterpret_cast<Preference*>(p); }

template <class T> cublasStatus_t assign(T& to, const void* from, size_t size) {
  if (from == nullptr || size != sizeof to) return kInvalid;
  std::memcpy(&to, from, size);
  return kOk;
}

size_t size_of(cudaDataType_t type) {
  switch (type) {
    case CUDA_R_64F:
      return 8;
    case CUDA_R_32F:
      return 4;
    case CUDA_R_16F:
    case CUDA_R_16BF:
      return 2;
    default:
      return 0;
  }
}

double load(const void* data, cudaDataType_t type, int64_t at) {
  switch (type) {
    case CUDA_R_64F:
      return static_cast<const double*>(data)[at];
    case CUDA_R_32F:
      return static_cast<const float*>(data)[at];
    case CUDA_R_16F:
      return static_cast<float>(static_cast<const Half*>(data)[at]);
    default:
      return static_cast<float>(static_cast<const BFloat16*>(data)[at]);
  }
}
void store(void* data, cudaDataType_t type, int64_t at, double value) {
  switch (type) {
    case CUDA_R_64F:
      static_cast<double*>(data)[at] = value;
      break;
    case CUDA_R_32F:
      static_cast<float*>(data)[at] = static_cast<float>(value);
      break;
    case CUDA_R_16F:
      static_cast<Half*>(data)[at] = Half(static_cast<float>(value));
      break;
    default:
      static_cast<BFloat16*>(data)[at] = BFloat16(static_cast<float>(value));
  }
}

int64_t offset(const Layout& l, int64_t batch, int64_t row, int64_t column) {
  const bool by_row = l.order == CUBLASLT_ORDER_ROW;
  return batch * l.batch_stride + (by_row ? row * l.leading + column : column * l.leading + row);
}

// Elements from the first to the last one of all batches.
size_t extent(const Layout& l) {
  const auto last = offset(l, l.batch_stride < 0 ? 0 : l.batches - 1,
                           static_cast<int64_t>(l.rows) - 1, static_cast<int64_t>(l.columns) - 1);
  return static_cast<size_t>(last) + 1;
}

bool is_layout_valid(const Layout& l) {
  if (l.rows == 0 || l.columns == 0 || l.batches < 1) return false;
  if (l.order != CUBLASLT_ORDER_COL && l.order != CUBLASLT_ORDER_ROW) return false;
  const uint64_t line = l.order == CUBLASLT_ORDER_COL ? l.rows : l.columns;
  return l.leading > 0 && static_cast<uint64_t>(l.leading) >= line;
}

// A product of checked layouts.
struct Problem {
  Desc desc;
  Layout a, b, c, d;
  int64_t m, n, k;
};

cublasStatus_t make_problem(cublasLtMatmulDesc_t desc, cublasLtMatrixLayout_t a,
                            cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,
                            cublasLtMatrixLayout_t d, Problem& p) {
  if (!desc || !a || !b || !c || !d) return kInvalid;
  p = {get(desc), get(a), get(b), get(c), get(d), 0, 0, 0};
  for (const Layout* l : {&p.a, &p.b, &p.c, &p.d}) {
    if (!is_layout_valid(*l) || l->batches != p.d.batches) return kInvalid;
  }
  const bool ta = p.desc.op_a != CUBLAS_OP_N, tb = p.desc.op_b != CUBLAS_OP_N;
  const uint64_t m = ta ? p.a.columns : p.a.rows, k = ta ? p.a.rows : p.a.columns;
  const uint64_t n = tb ? p.b.rows : p.b.columns;
  if ((tb ? p.b.columns : p.b.rows) != k) return kInvalid;
  for (const Layout* l : {&p.c, &p.d}) {
    if (l->rows != m || l->columns != n) return kInvalid;
  }
  p.m = static_cast<int64_t>(m), p.n = static_cast<int64_t>(n), p.k = static_cast<int64_t>(k);

  const bool wide = p.desc.compute == CUBLAS_COMPUTE_64F;
  // TF32 is a permission to round the factors, of which no use is made here.
  const bool narrow = p.desc.compute == CUBLAS_COMPUTE_32F ||
                      (p.desc.compute == CUBLAS_COMPUTE_32F_FAST_TF32 && p.a.type == CUDA_R_32F);
  if (!wide && !narrow) return kNotSupported;
  if (p.desc.scale != (wide ? CUDA_R_64F : CUDA_R_32F)) return kNotSupported;
  if (size_of(p.a.type) == 0 || p.a.type != p.b.type || p.c.type != p.d.type) return kNotSupported;
  if (wide != (p.a.type == CUDA_R_64F) || wide != (p.d.type == CUDA_R_64F)) return kNotSupported;
  if (p.a.type != p.d.type && p.d.type != CUDA_R_32F) return kNotSupported;
  if (p.desc.epilogue == CUBLASLT_EPILOGUE_BIAS) return wide ? kNotSupported : kOk;
  return p.desc.epilogue == CUBLASLT_EPILOGUE_DEFAULT ? kOk : kNotSupported;
}

template <class Sum>
void compute(const Problem& p, Sum alpha, Sum beta, const void* a, const void* b, const void* c,
             void* d, bool backwards) {
  const bool ta = p.desc.op_a != CUBLAS_OP_N, tb = p.desc.op_b != CUBLAS_OP_N;
  for (int64_t batch = 0; batch < p.d.batches; ++batch) {
    for (int64_t j = 0; j < p.n; ++j) {
      for (int64_t i = 0; i < p.m; ++i) {
        Sum sum = 0, part = 0;  // in parts of 32, as a product in tiles adds them
        for (int64_t step = 0; step < p.k; ++step) {
          const int64_t k = backwards ? p.k - 1 - step : step;
          const int64_t at_a = ta ? offset(p.a, batch, k, i) : offset(p.a, batch, i, k);
          const int64_t at_b = tb ? offset(p.b, batch, j, k) : offset(p.b, batch, k, j);
          part +=
              static_cast<Sum>(load(a, p.a.type, at_a)) * static_cast<Sum>(load(b, p.b.type, at_b));
          if (step % 32 == 31) sum += std::exchange(part, Sum(0));
        }
        sum = (sum + part) * alpha;
        if (beta != 0) {
          sum += beta * static_cast<Sum>(load(c, p.c.type, offset(p.c, batch, i, j)));
        }
        if (p.desc.bias != nullptr) sum += static_cast<Sum>(load(p.desc.bias, p.d.type, i));
        store(d, p.d.type, offset(p.d, batch, i, j), static_cast<double>(sum));
      }
    }
  }
}

bool is_aligned(const void* data, size_t bytes) {
  return reinterpret_cast<uintptr_t>(data) % bytes == 0;
}

// What only shows when the operation runs: memory that is not there.
std::string memory_problem(const Problem& p, const void* a, const void* b, const void* c,
                           const void* d, const void* workspace, size_t workspace_bytes) {
  const auto check = [](const char* name, const void* data, size_t nbytes) -> std::string {
    if (sim::is_device_memory(data, nbytes) || sim::is_pinned_memory(data, nbytes)) return "";
    return fmt::format("cublasLtMatmul: {} bytes of {} are {}", nbytes, name,
                       sim::describe_address(data));
  };
  std::string problem = check("A", a, extent(p.a) * size_of(p.a.type));
  if (problem.empty()) problem = check("B", b, extent(p.b) * size_of(p.b.type));
  if (problem.empty() && c != nullptr) problem = check("C", c, extent(p.c) * size_of(p.c.type));
  if (problem.empty()) problem = check("D", d, extent(p.d) * size_of(p.d.type));
  if (problem.empty() && p.desc.bias != nullptr) {
    problem = check("the bias", p.desc.bias, static_cast<size_t>(p.m) * size_of(p.d.type));
  }
  if (problem.empty() && workspace_bytes > 0) {
    problem = check("the workspace", workspace, workspace_bytes);
  }
  return problem;
}

}  // namespace

size_t cublasLtGetVersion() { return CUBLAS_VERSION; }

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  if (handle == nullptr) return kInvalid;
  *handle = new cublasLtContext;
  return kOk;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  delete handle;
  return kOk;
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType type,
                                          uint64_t rows, uint64_t columns, int64_t leading) {
  if (layout == nullptr) return kInvalid;
  *layout = reinterpret_cast<cublasLtMatrixLayout_t>(new Layout{type, rows, columns, leading});
  return kOk;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  delete reinterpret_cast<Layout*>(layout);
  return kOk;
}
cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout,
                                                cublasLtMatrixLayoutAttribute_t what,
                                                const void* value, size_t size) {
  if (layout == nullptr) return kInvalid;
  Layout& l = get(layout);
  switch (what) {
    case CUBLASLT_MATRIX_LAYOUT_ORDER:
      return assign(l.order, value, size);
    case CUBLASLT_MATRIX_LAYOUT_ROWS:
      return assign(l.rows, value, size);
    case CUBLASLT_MATRIX_LAYOUT_COLS:
      return assign(l.columns, value, size);
    case CUBLASLT_MATRIX_LAYOUT_LD:
      return assign(l.leading, value, size);
    case CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT:
      return assign(l.batches, value, size);
    case CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET:
      return assign(l.batch_stride, value, size);
    default:
      return kInvalid;
  }
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* desc, cublasComputeType_t compute,
                                        cudaDataType_t scale) {
  if (desc == nullptr) return kInvalid;
  *desc = reinterpret_cast<cublasLtMatmulDesc_t>(new Desc{compute, scale});
  return kOk;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc) {
  delete reinterpret_cast<Desc*>(desc);
  return kOk;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc,
                                              cublasLtMatmulDescAttributes_t what,
                                              const void* value, size_t size) {
  if (desc == nullptr) return kInvalid;
  Desc& d = get(desc);
  switch (what) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
      return assign(d.op_a, value, size);
    case CUBLASLT_MATMUL_DESC_TRANSB:
      return assign(d.op_b, value, size);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      return assign(d.epilogue, value, size);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      return assign(d.bias, value, size);
    default:
      return kInvalid;
  }
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  if (preference == nullptr) return kInvalid;
  *preference = reinterpret_cast<cublasLtMatmulPreference_t>(new Preference);
  return kOk;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  delete reinterpret_cast<Preference*>(preference);
  return kOk;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t what,
                                                    const void* value, size_t size) {
  if (preference == nullptr) return kInvalid;
  Preference& p = get(preference);
  switch (what) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
      return assign(p.workspace, value, size);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
      return assign(p.alignment[0], value, size);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
      return assign(p.alignment[1], value, size);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
      return assign(p.alignment[2], value, size);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
      return assign(p.alignment[3], value, size);
    default:
      return kInvalid;
  }
}

// Up to three: sums forwards, backwards with a workspace, backwards without.
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int requested,
                                              cublasLtMatmulHeuristicResult_t results[],
                                              int* returned) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (preference == nullptr || results == nullptr || returned == nullptr || requested < 1) {
    return kInvalid;
  }
  *returned = 0;
  Problem problem;
  if (const cublasStatus_t status = make_problem(desc, a, b, c, d, problem); status != kOk) {
    return status;
  }
  const Preference& p = get(preference);
  for (const auto& [backwards, workspace] :
       {std::pair<uint64_t, uint64_t>{0, 0}, {1, kAlgorithmWorkspace}, {1, 0}}) {
    if (*returned == requested || workspace > p.workspace) continue;
    Algorithm algorithm{kMark, backwards, workspace, {}};
    std::copy_n(p.alignment, 4, algorithm.alignment);
    cublasLtMatmulHeuristicResult_t& result = results[(*returned)++];
    result = {};
    std::memcpy(result.algo.data, &algorithm, sizeof algorithm);
    result.workspaceSize = workspace;
    result.state = kOk;
    result.wavesCount = 1;
  }
  return kOk;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, const void* alpha,
                              const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                              cublasLtMatrixLayout_t b_layout, const void* beta, const void* c,
                              cublasLtMatrixLayout_t c_layout, void* d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* algo,
                              void* workspace, size_t workspace_bytes, cudaStream_t stream) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (!alpha || !beta || !a || !b || !c || !d) return kInvalid;
  Problem p;
  if (const cublasStatus_t status = make_problem(desc, a_layout, b_layout, c_layout, d_layout, p);
      status != kOk) {
    return status;
  }
  if (p.desc.epilogue != CUBLASLT_EPILOGUE_BIAS) {
    p.desc.bias = nullptr;
  } else if (p.desc.bias == nullptr) {
    return kInvalid;
  }
  Algorithm algorithm{kMark, 0, 0, {1, 1, 1, 1}};
  if (algo != nullptr) std::memcpy(&algorithm, algo->data, sizeof algorithm);
  if (algorithm.mark != kMark || algorithm.workspace > workspace_bytes) return kInvalid;
  if (algorithm.workspace > 0 && (workspace == nullptr || !is_aligned(workspace, 16))) {
    return kInvalid;
  }
  const void* operands[] = {a, b, c, d, p.desc.bias};
  const cudaDataType_t types[] = {p.a.type, p.b.type, p.c.type, p.d.type, p.d.type};
  for (int i = 0; i < 5; ++i) {
    // The bias is loaded as widely as D is stored.
    const uint32_t promised = algorithm.alignment[i < 4 ? i : 3];
    const size_t needed = std::max<size_t>(size_of(types[i]), promised);
    if (!is_aligned(operands[i], needed)) return kInvalid;
  }
  double scale[2];
  for (int i = 0; i < 2; ++i) scale[i] = load(i == 0 ? alpha : beta, p.desc.scale, 0);
  const size_t used = algorithm.workspace;
  const cudaError_t queued = sim::enqueue(stream, [=] {
    const std::string problem =
        memory_problem(p, a, b, scale[1] != 0 ? c : nullptr, d, workspace, used);
    if (!problem.empty()) {
      sim::record_diagnosis(problem);
      return false;
    }
    if (used > 0) std::memset(workspace, 0xff, used);  // whoever shares it sees NaN
    if (p.desc.scale == CUDA_R_64F) {
      compute<double>(p, scale[0], scale[1], a, b, c, d, algorithm.backwards != 0);
    } else {
      compute<float>(p, static_cast<float>(scale[0]), static_cast<float>(scale[1]), a, b, c, d,
                     algorithm.backwards != 0);
    }
    return true;
  });
  return queued == cudaSuccess ? kOk : CUBLAS_STATUS_EXECUTION_FAILED;
}

namespace {

void* find(const char* symbol) {
  static const std::map<std::string, void*> symbols{
      {"cublasLtGetVersion", reinterpret_cast<void*>(cublasLtGetVersion)},
      {"cublasLtCreate", reinterpret_cast<void*>(cublasLtCreate)},
      {"cublasLtDestroy", reinterpret_cast<void*>(cublasLtDestroy)},
      {"cublasLtMatrixLayoutCreate", reinterpret_cast<void*>(cublasLtMatrixLayoutCreate)},
      {"cublasLtMatrixLayoutDestroy", reinterpret_cast<void*>(cublasLtMatrixLayoutDestroy)},
      {"cublasLtMatrixLayoutSetAttribute",
       reinterpret_cast<void*>(cublasLtMatrixLayoutSetAttribute)},
      {"cublasLtMatmulDescCreate", reinterpret_cast<void*>(cublasLtMatmulDescCreate)},
      {"cublasLtMatmulDescDestroy", reinterpret_cast<void*>(cublasLtMatmulDescDestroy)},
      {"cublasLtMatmulDescSetAttribute", reinterpret_cast<void*>(cublasLtMatmulDescSetAttribute)},
      {"cublasLtMatmulPreferenceCreate", reinterpret_cast<void*>(cublasLtMatmulPreferenceCreate)},
      {"cublasLtMatmulPreferenceDestroy", reinterpret_cast<void*>(cublasLtMatmulPreferenceDestroy)},
      {"cublasLtMatmulPreferenceSetAttribute",
       reinterpret_cast<void*>(cublasLtMatmulPreferenceSetAttribute)},
      {"cublasLtMatmulAlgoGetHeuristic", reinterpret_cast<void*>(cublasLtMatmulAlgoGetHeuristic)},
      {"cublasLtMatmul", reinterpret_cast<void*>(cublasLtMatmul)}};
  const auto found = symbols.find(symbol);
  return found == symbols.end() ? nullptr : found->second;
}

const bool kProvided = [] {
  provide_library("libcublasLt", find, "");
  provide_library("libcudnn", nullptr, "not on the simulated device");
  return true;
}();

}  // namespace
