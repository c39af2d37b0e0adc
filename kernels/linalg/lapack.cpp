// LAPACK's Fortran interface: every argument by address, integers of 32 bits, letters with their
// length as a hidden last argument.
#include "kernels/linalg/lapack.h"

#include <algorithm>

#include "core/dynamic_library.h"

namespace iolaus::lapack {
namespace {

void* symbol(const char* name) {
  static const DynamicLibrary library({"libopenblas.so.0", "liblapack.so.3"});
  IOLAUS_CHECK_CODE(library.is_open(), ErrorCode::kUnsupported,
                    "[linalg] needs LAPACK (apt install liblapack3 or libopenblas0): {}",
                    library.problem());
  return library.get<void*>(name);
}

// The routine of a family for T: spotrf_ or dpotrf_.
template <class T, class... A> void call(const char* family, A... arguments) {
  const std::string name = (std::is_same_v<T, float> ? "s" : "d") + std::string(family) + "_";
  reinterpret_cast<void (*)(A...)>(symbol(name.c_str()))(arguments...);
}

int narrow_int(int64_t n) {
  IOLAUS_CHECK(n <= INT32_MAX, "[linalg] expected sizes below 2^31, got {}", n);
  return static_cast<int>(n);
}

// Calls fn(b-th matrix of each tensor...) for every batch; the first dimension is the batch.
template <class T, class Fn, class... Ts>
void each(Fn&& fn, const Tensor& first, const Ts&... rest) {
  const auto at = []<class E>(const Tensor& t, int64_t b, E*) {
    return t.data<E>() + (t.sizes()[0] == 0 ? 0 : b * (t.numel() / t.sizes()[0]));
  };
  for (int64_t b = 0; b < first.sizes()[0]; ++b) {
    fn(b, at(first, b, static_cast<T*>(nullptr)), at(rest, b, static_cast<T*>(nullptr))...);
  }
}

template <class Fn> void for_dtype(const Tensor& a, Fn&& fn) {
  visit_dtype(TypeList<float, double>{}, "linalg", a.dtype(), std::forward<Fn>(fn));
}

int* pivots_at(const Tensor& pivots, int64_t b, int n) { return pivots.data<int32_t>() + b * n; }

}  // namespace

void cholesky(const char* op, const Tensor& a) {
  const int n = narrow_int(a.size(-1));
  if (a.numel() == 0) return;
  for_dtype(a, [&]<class T>() {
    each<T>(
        [&](int64_t b, T* matrix) {
          int info = 0;
          const char lower = 'L';
          call<T>("potrf", &lower, &n, matrix, &n, &info, size_t{1});
          IOLAUS_CHECK(info == 0,
                       "[{}] matrix {} is not positive definite: its leading minor of order {} is "
                       "not",
                       op, b, info);
        },
        a);
  });
}

void solve(const char* op, const Tensor& a, const Tensor& pivots, const Tensor& right) {
  const int n = narrow_int(a.size(-1)), columns = narrow_int(right.size(-2));
  if (a.numel() == 0) return;
  for_dtype(a, [&]<class T>() {
    each<T>(
        [&](int64_t b, T* matrix, T* x) {
          int info = 0;
          call<T>("gesv", &n, &columns, matrix, &n, pivots_at(pivots, b, n), x, &n, &info);
          IOLAUS_CHECK(info == 0, "[{}] matrix {} is singular: pivot {} is 0", op, b, info);
        },
        a, right);
  });
}

void lu(const Tensor& a, const Tensor& pivots) {
  const int n = narrow_int(a.size(-1));
  if (a.numel() == 0) return;
  for_dtype(a, [&]<class T>() {
    each<T>(
        [&](int64_t b, T* matrix) {
          int info = 0;
          call<T>("getrf", &n, &n, matrix, &n, pivots_at(pivots, b, n), &info);
        },
        a);
  });
}

void qr(const Tensor& a, const Tensor& tau) {
  const int m = narrow_int(a.size(-1)), n = narrow_int(a.size(-2));
  if (a.numel() == 0) return;
  for_dtype(a, [&]<class T>() {
    const int room = std::max(n, 1) * 64;
    std::vector<T> work(static_cast<size_t>(room));
    each<T>(
        [&](int64_t, T* matrix, T* factors) {
          int info = 0;
          call<T>("geqrf", &m, &n, matrix, &m, factors, work.data(), &room, &info);
        },
        a, tau);
  });
}

void form_q(const Tensor& q, const Tensor& tau) {
  const int m = narrow_int(q.size(-1)), k = narrow_int(q.size(-2)),
            count = narrow_int(tau.size(-1));
  if (q.numel() == 0) return;
  for_dtype(q, [&]<class T>() {
    const int room = std::max(k, 1) * 64;
    std::vector<T> work(static_cast<size_t>(room));
    each<T>(
        [&](int64_t, T* matrix, T* factors) {
          int info = 0;
          call<T>("orgqr", &m, &k, &count, matrix, &m, factors, work.data(), &room, &info);
        },
        q, tau);
  });
}

void svd(const Tensor& a, const Tensor& u, const Tensor& s, const Tensor& vt) {
  const int m = narrow_int(a.size(-1)), n = narrow_int(a.size(-2));
  const int rows_vt = narrow_int(vt.size(-1));
  if (a.numel() == 0) return;
  const bool full = u.size(-2) == m && rows_vt == n;
  const char job = full ? 'A' : 'S';
  for_dtype(a, [&]<class T>() {
    std::vector<int> integers(static_cast<size_t>(8 * std::min(m, n)));
    std::vector<T> work(1);
    int room = -1;  // asks how much is wanted
    each<T>(
        [&](int64_t b, T* matrix, T* left, T* values, T* right) {
          int info = 0;
          const auto run = [&] {
            call<T>("gesdd", &job, &m, &n, matrix, &m, values, left, &m, right, &rows_vt,
                    work.data(), &room, integers.data(), &info, size_t{1});
          };
          if (room < 0) {
            run();
            room = static_cast<int>(work[0]) + 1;
            work.resize(static_cast<size_t>(room));
          }
          run();
          IOLAUS_CHECK(info == 0, "[svd] matrix {} did not converge ({})", b, info);
        },
        a, u, s, vt);
  });
}

void eigh(const Tensor& a, const Tensor& values, bool lower) {
  const int n = narrow_int(a.size(-1));
  if (a.numel() == 0) return;
  const char job = 'V', triangle = lower ? 'L' : 'U';
  for_dtype(a, [&]<class T>() {
    std::vector<int> integers(1);
    std::vector<T> work(1);
    int room = -1, integer_room = -1;  // asks how much is wanted
    each<T>(
        [&](int64_t b, T* matrix, T* w) {
          int info = 0;
          const auto run = [&] {
            call<T>("syevd", &job, &triangle, &n, matrix, &n, w, work.data(), &room,
                    integers.data(), &integer_room, &info, size_t{1}, size_t{1});
          };
          if (room < 0) {
            run();
            room = static_cast<int>(work[0]) + 1;
            integer_room = integers[0];
            work.resize(static_cast<size_t>(room));
            integers.resize(static_cast<size_t>(integer_room));
          }
          run();
          IOLAUS_CHECK(info == 0, "[eigh] matrix {} did not converge ({})", b, info);
        },
        a, values);
  });
}

}  // namespace iolaus::lapack
