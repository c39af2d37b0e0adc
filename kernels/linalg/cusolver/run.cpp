// The factorisations of linalg.h by cuSOLVER, matrix after matrix on the stream, and for batches of
// small ones by the batched functions, which do them side by side. float32 stays float32: no TF32.
#include <algorithm>

#include "core/views.h"
#include "kernels/copy/copy.h"
#include "kernels/linalg/cusolver/call.h"

namespace iolaus::cusolver {
namespace {

using linalg::Infos;

constexpr auto kLower = CUBLAS_FILL_MODE_LOWER;
// Up to here a matrix is too small to fill a GPU, so that many side by side are faster than one
// after the other. Not measured.
constexpr int64_t kSmall = 256;

cudaDataType type_of(const Tensor& t) { return t.dtype() == kFloat64 ? CUDA_R_64F : CUDA_R_32F; }
// Below 2^31, as linalg.h sees to.
int size_of(const Tensor& t, int64_t dim) { return static_cast<int>(t.size(dim)); }

// The b-th matrix of a batch.
template <class T> T* at(const Tensor& t, int64_t b) {
  return t.data<T>() + b * (t.numel() / t.sizes()[0]);
}
void* at(const Tensor& t, int64_t b) {
  return static_cast<char*>(t.raw_data()) +
         static_cast<size_t>(b) * (t.nbytes() / static_cast<size_t>(t.sizes()[0]));
}

template <class Fn> void for_dtype(const Tensor& a, Fn&& fn) {
  visit_dtype(TypeList<float, double>{}, "linalg", a.dtype(), std::forward<Fn>(fn));
}

// For a function of 64 bits: asks ask(&device_bytes, &host_bytes), then calls run(b, device memory,
// its size, host memory, its size) for every matrix.
template <class Ask, class Run>
Infos each_wide(Call& call, const char* function, const Ask& ask, const Run& run) {
  size_t device_bytes = 0, host_bytes = 0;
  call.check(ask(&device_bytes, &host_bytes), function);
  void* device = call.room(device_bytes);
  std::vector<char> host(std::max<size_t>(host_bytes, 1));
  for (int64_t b = 0; b < call.count(); ++b) {
    call.check(run(b, device, device_bytes, host.data(), host_bytes), function);
  }
  return call.infos();
}

Infos cholesky(const Tensor& a) {
  Call call(a);
  const Handles& h = call.handles();
  const int64_t n = a.size(-1);
  if (call.count() > 1 && n <= kSmall) {
    for_dtype(a, [&]<class T>() {
      call.check(
          library().potrf_batched.get<T>()(h.solver, kLower, size_of(a, -1), call.addresses<T>(a),
                                           size_of(a, -1), call.info(0), size_of(a, 0)),
          "cusolverDn<t>potrfBatched");
    });
    return call.infos();
  }
  const cudaDataType type = type_of(a);
  return each_wide(
      call, "cusolverDnXpotrf",
      [&](size_t* device, size_t* host) {
        return library().potrf_room(h.solver, h.params, kLower, n, type, a.raw_data(), n, type,
                                    device, host);
      },
      [&](int64_t b, void* device, size_t device_bytes, void* host, size_t host_bytes) {
        return library().potrf(h.solver, h.params, kLower, n, type, at(a, b), n, type, device,
                               device_bytes, host, host_bytes, call.info(b));
      });
}

// Factorises, and solves for the columns of right where that is given.
Infos factorise(const Tensor& a, const Tensor& pivots, const Tensor* right) {
  Call call(a);
  const Handles& h = call.handles();
  const int n = size_of(a, -1), columns = right == nullptr ? 0 : size_of(*right, -2);
  for_dtype(a, [&]<class T>() {
    if (call.count() > 1 && n <= kSmall) {
      const int count = size_of(a, 0);
      int* all_pivots = pivots.data<int32_t>();
      T** matrices = call.addresses<T>(a);
      call.check(
          library().getrf_batched.get<T>()(h.blas, n, matrices, n, all_pivots, call.info(0), count),
          "cublas<t>getrfBatched");
      if (columns == 0) return;
      int info = 0;  // of the arguments, on the host
      call.check(
          library().getrs_batched.get<T>()(h.blas, CUBLAS_OP_N, n, columns, matrices, n, all_pivots,
                                           call.addresses<T>(*right), n, &info, count),
          "cublas<t>getrsBatched");
      return;
    }
    int room = 0;
    call.check(library().getrf_room.get<T>()(h.solver, n, n, a.data<T>(), n, &room),
               "cusolverDn<t>getrf_bufferSize");
    auto* work = static_cast<T*>(call.room(static_cast<size_t>(room) * sizeof(T)));
    auto* unused =
        static_cast<int*>(call.room(sizeof(int)));  // the info of getrs, of its arguments
    for (int64_t b = 0; b < call.count(); ++b) {
      int* swaps = at<int32_t>(pivots, b);
      call.check(
          library().getrf.get<T>()(h.solver, n, n, at<T>(a, b), n, work, swaps, call.info(b)),
          "cusolverDn<t>getrf");
      if (columns == 0) continue;
      call.check(library().getrs.get<T>()(h.solver, CUBLAS_OP_N, n, columns, at<T>(a, b), n, swaps,
                                          at<T>(*right, b), n, unused),
                 "cusolverDn<t>getrs");
    }
  });
  return call.infos();
}

Infos solve(const Tensor& a, const Tensor& pivots, const Tensor& right) {
  return factorise(a, pivots, &right);
}
Infos lu(const Tensor& a, const Tensor& pivots) { return factorise(a, pivots, nullptr); }

Infos qr(const Tensor& a, const Tensor& tau) {
  Call call(a);
  const Handles& h = call.handles();
  const int64_t m = a.size(-1), n = a.size(-2);
  const cudaDataType type = type_of(a);
  return each_wide(
      call, "cusolverDnXgeqrf",
      [&](size_t* device, size_t* host) {
        return library().geqrf_room(h.solver, h.params, m, n, type, a.raw_data(), m, type,
                                    tau.raw_data(), type, device, host);
      },
      [&](int64_t b, void* device, size_t device_bytes, void* host, size_t host_bytes) {
        return library().geqrf(h.solver, h.params, m, n, type, at(a, b), m, type, at(tau, b), type,
                               device, device_bytes, host, host_bytes, call.info(b));
      });
}

Infos form_q(const Tensor& q, const Tensor& tau) {
  const int m = size_of(q, -1), n = size_of(q, -2), k = size_of(tau, -1);
  if (k == 0) {  // no reflections
    fill(q, 0);
    fill(views::diagonal(q, 0, 1, 2), 1);
    return {};
  }
  Call call(q);
  const Handles& h = call.handles();
  for_dtype(q, [&]<class T>() {
    int room = 0;
    call.check(
        library().orgqr_room.get<T>()(h.solver, m, n, k, q.data<T>(), m, tau.data<T>(), &room),
        "cusolverDn<t>orgqr_bufferSize");
    auto* work = static_cast<T*>(call.room(static_cast<size_t>(room) * sizeof(T)));
    for (int64_t b = 0; b < call.count(); ++b) {
      call.check(library().orgqr.get<T>()(h.solver, m, n, k, at<T>(q, b), m, at<T>(tau, b), work,
                                          room, call.info(b)),
                 "cusolverDn<t>orgqr");
    }
  });
  return call.infos();
}

// By QR steps. Only tall matrices are taken: of a wide one a^T = v s u^T is computed.
Infos svd(const Tensor& a, const Tensor& u, const Tensor& s, const Tensor& vt) {
  const int64_t m = a.size(-1), n = a.size(-2), rows_vt = vt.size(-1);
  if (m < n) {
    const Tensor turned = make_contiguous(views::transpose(a, -1, -2));
    const Tensor v = empty({a.sizes()[0], rows_vt, n}, a.options());
    const Tensor ut = empty({a.sizes()[0], m, u.size(-2)}, a.options());
    const Infos infos = svd(turned, v, s, ut);
    copy(views::transpose(ut, -1, -2), u);
    copy(views::transpose(v, -1, -2), vt);
    return infos;
  }
  Call call(a);
  const Handles& h = call.handles();
  const cudaDataType type = type_of(a);
  const signed char job = u.size(-2) == m && rows_vt == n ? 'A' : 'S';
  return each_wide(
      call, "cusolverDnXgesvd",
      [&](size_t* device, size_t* host) {
        return library().gesvd_room(h.solver, h.params, job, job, m, n, type, a.raw_data(), m, type,
                                    s.raw_data(), type, u.raw_data(), m, type, vt.raw_data(),
                                    rows_vt, type, device, host);
      },
      [&](int64_t b, void* device, size_t device_bytes, void* host, size_t host_bytes) {
        return library().gesvd(h.solver, h.params, job, job, m, n, type, at(a, b), m, type,
                               at(s, b), type, at(u, b), m, type, at(vt, b), rows_vt, type, device,
                               device_bytes, host, host_bytes, call.info(b));
      });
}

// By divide and conquer.
Infos eigh(const Tensor& a, const Tensor& values, bool lower) {
  Call call(a);
  const Handles& h = call.handles();
  const int64_t n = a.size(-1);
  const cudaDataType type = type_of(a);
  const cublasFillMode_t triangle = lower ? CUBLAS_FILL_MODE_LOWER : CUBLAS_FILL_MODE_UPPER;
  return each_wide(
      call, "cusolverDnXsyevd",
      [&](size_t* device, size_t* host) {
        return library().syevd_room(h.solver, h.params, CUSOLVER_EIG_MODE_VECTOR, triangle, n, type,
                                    a.raw_data(), n, type, values.raw_data(), type, device, host);
      },
      [&](int64_t b, void* device, size_t device_bytes, void* host, size_t host_bytes) {
        return library().syevd(h.solver, h.params, CUSOLVER_EIG_MODE_VECTOR, triangle, n, type,
                               at(a, b), n, type, at(values, b), type, device, device_bytes, host,
                               host_bytes, call.info(b));
      });
}

const std::string& problem() { return library().problem; }

const bool kRegistered = [] {
  static constexpr linalg::Library kLibrary{cholesky, solve, lu, qr, form_q, svd, eigh, problem};
  linalg::register_cuda_library(kLibrary);
  return true;
}();

}  // namespace
}  // namespace iolaus::cusolver
