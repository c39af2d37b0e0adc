// The choice of the library, the way over the host, and what the libraries' infos say.
#include "kernels/linalg/linalg.h"

#include <algorithm>
#include <array>
#include <atomic>

#include "core/call_context.h"
#include "core/lapack_library.h"
#include "kernels/copy/copy.h"
#include "kernels/linalg/lapack.h"

namespace iolaus::linalg {
namespace {

constexpr Library kHost{lapack::cholesky, lapack::solve, lapack::lu,   lapack::qr,
                        lapack::form_q,   lapack::svd,   lapack::eigh, lapack::problem};

const Library* g_cuda = nullptr;  // set while the program starts
enum class Choice { kAuto, kCusolver, kLapack };
std::atomic<Choice> g_choice{Choice::kAuto};

bool is_cusolver_there() { return g_cuda != nullptr && g_cuda->problem().empty(); }

// qr, svd and eigh are done one matrix after the other, each with many launches. LAPACK is through
// with a tiny matrix within one of them, so that the copies pay from a few on. Not measured.
bool is_many_tiny(const Tensor& a) {
  return a.sizes()[0] >= 8 && a.size(-1) <= 32 && a.size(-2) <= 32;
}

enum class Batches { kTogether, kOneByOne };  // how cuSOLVER does them

// Calls fn(library, tensors...) for the tensors themselves, or for copies on the host that come
// back.
template <class Fn, class... Ts>
Infos run(const char* op, Batches batches, const Fn& fn, const Tensor& a, const Ts&... rest) {
  const OpScope scope(op);
  const std::array tensors{a, rest...};
  for (const Tensor& t : tensors) {
    for (const int64_t size : t.sizes()) {
      IOLAUS_CHECK(size <= INT32_MAX, "[{}] expected sizes below 2^31, got {}", op, t.describe());
    }
  }
  if (a.numel() == 0) return {};
  if (a.device().is_cpu()) return fn(kHost, a, rest...);
  const Choice choice = g_choice;
  const bool suits =
      choice == Choice::kCusolver || batches == Batches::kTogether || !is_many_tiny(a);
  if (choice != Choice::kLapack && suits && is_cusolver_there()) return fn(*g_cuda, a, rest...);
  std::array host = tensors;
  for (Tensor& t : host) t = convert(t, t.dtype(), Device());
  const Infos infos = std::apply([&](const auto&... t) { return fn(kHost, t...); }, host);
  for (size_t i = 0; i < host.size(); ++i) copy(host[i], tensors[i]);
  return infos;
}

// Fails for the first matrix whose info is not 0, with text (op, batch entry, info).
void check(const char* op, const Infos& infos, const char* text) {
  const auto bad = std::find_if(infos.begin(), infos.end(), [](int info) { return info != 0; });
  if (bad == infos.end()) return;
  IOLAUS_CHECK_CODE(*bad > 0, ErrorCode::kInternal,
                    "[{}] argument {} is not what the library takes", op, -*bad);
  fail(ErrorCode::kInvalidArgument, fmt::runtime(text), op, bad - infos.begin(), *bad);
}

}  // namespace

void cholesky(const char* op, const Tensor& a) {
  const auto fn = [](const Library& l, const auto&... t) { return l.cholesky(t...); };
  check(op, run(op, Batches::kTogether, fn, a),
        "[{}] matrix {} is not positive definite: its leading minor of order {} is not");
}

void solve(const char* op, const Tensor& a, const Tensor& pivots, const Tensor& b) {
  const auto fn = [](const Library& l, const auto&... t) { return l.solve(t...); };
  check(op, run(op, Batches::kTogether, fn, a, pivots, b),
        "[{}] matrix {} is singular: pivot {} is 0");
}

void lu(const char* op, const Tensor& a, const Tensor& pivots) {
  const auto fn = [](const Library& l, const auto&... t) { return l.lu(t...); };
  Infos infos = run(op, Batches::kTogether, fn, a, pivots);
  for (int& info : infos) info = std::min(info, 0);
  check(op, infos, "");
}

void qr(const char* op, const Tensor& a, const Tensor& tau) {
  const auto fn = [](const Library& l, const auto&... t) { return l.qr(t...); };
  check(op, run(op, Batches::kOneByOne, fn, a, tau), "[{}] matrix {} has no factors ({})");
}

void form_q(const char* op, const Tensor& q, const Tensor& tau) {
  const auto fn = [](const Library& l, const auto&... t) { return l.form_q(t...); };
  check(op, run(op, Batches::kOneByOne, fn, q, tau), "[{}] matrix {} has no factors ({})");
}

void svd(const char* op, const Tensor& a, const Tensor& u, const Tensor& s, const Tensor& vt) {
  const auto fn = [](const Library& l, const auto&... t) { return l.svd(t...); };
  check(op, run(op, Batches::kOneByOne, fn, a, u, s, vt), "[{}] matrix {} did not converge ({})");
}

void eigh(const char* op, const Tensor& a, const Tensor& values, bool lower) {
  const auto fn = [&](const Library& l, const auto&... t) { return l.eigh(t..., lower); };
  check(op, run(op, Batches::kOneByOne, fn, a, values), "[{}] matrix {} did not converge ({})");
}

void register_cuda_library(const Library& library) { g_cuda = &library; }

void select_for_cuda(const std::string& name) {
  IOLAUS_CHECK_CODE(name.empty() || name == "cusolver" || name == "lapack", ErrorCode::kNotFound,
                    "linalg has no variant '{}' for CUDA; it has cusolver and lapack", name);
  IOLAUS_CHECK_CODE(name != "cusolver" || is_cusolver_there(), ErrorCode::kUnsupported,
                    "linalg cannot use cusolver: {}",
                    g_cuda == nullptr ? "this program was built without CUDA" : g_cuda->problem());
  g_choice = name.empty()         ? Choice::kAuto
             : name == "cusolver" ? Choice::kCusolver
                                  : Choice::kLapack;
}

std::string selected_for_cuda() {
  return g_choice != Choice::kLapack && is_cusolver_there() ? "cusolver" : "lapack";
}

}  // namespace iolaus::linalg
