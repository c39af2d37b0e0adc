// LAPACK's routines, for one matrix of a batch after the other.
#include "kernels/linalg/lapack.h"

#include <algorithm>

namespace iolaus::lapack {
namespace {

using linalg::Infos;

// Below 2^31, as linalg.h sees to.
int size_of(const Tensor& t, int64_t dim) { return static_cast<int>(t.size(dim)); }

// The b-th matrix of a batch.
template <class T> T* at(const Tensor& t, int64_t b) {
  return t.data<T>() + b * (t.numel() / t.sizes()[0]);
}

// Calls fn(b, info) -> void of T for every matrix.
template <class Fn> Infos each(const Tensor& a, Fn&& fn) {
  Infos infos(static_cast<size_t>(a.sizes()[0]));
  visit_dtype(TypeList<float, double>{}, "linalg", a.dtype(), [&]<class T>() {
    for (int64_t b = 0; b < a.sizes()[0]; ++b) {
      fn.template operator()<T>(b, &infos[static_cast<size_t>(b)]);
    }
  });
  return infos;
}

// Calls run(work, room) twice: with room for nothing and room -1, which gives the room that it
// wants in work[0], and with that.
template <class T, class Run> void with_room(const Run& run) {
  T wanted = 0;
  run(&wanted, -1);
  std::vector<T> work(static_cast<size_t>(wanted) + 1);  // + 1: a float may have rounded it down
  run(work.data(), static_cast<int>(work.size()));
}

}  // namespace

Infos cholesky(const Tensor& a) {
  const int n = size_of(a, -1);
  const char lower = 'L';
  return each(a, [&]<class T>(int64_t b, int* info) {
    call<T>("potrf", &lower, &n, at<T>(a, b), &n, info, size_t{1});
  });
}

Infos solve(const Tensor& a, const Tensor& pivots, const Tensor& right) {
  const int n = size_of(a, -1), columns = size_of(right, -2);
  return each(a, [&]<class T>(int64_t b, int* info) {
    call<T>("gesv", &n, &columns, at<T>(a, b), &n, at<int32_t>(pivots, b), at<T>(right, b), &n,
            info);
  });
}

Infos lu(const Tensor& a, const Tensor& pivots) {
  const int n = size_of(a, -1);
  return each(a, [&]<class T>(int64_t b, int* info) {
    call<T>("getrf", &n, &n, at<T>(a, b), &n, at<int32_t>(pivots, b), info);
  });
}

Infos qr(const Tensor& a, const Tensor& tau) {
  const int m = size_of(a, -1), n = size_of(a, -2);
  return each(a, [&]<class T>(int64_t b, int* info) {
    with_room<T>([&](T* work, int room) {
      call<T>("geqrf", &m, &n, at<T>(a, b), &m, at<T>(tau, b), work, &room, info);
    });
  });
}

Infos form_q(const Tensor& q, const Tensor& tau) {
  const int m = size_of(q, -1), k = size_of(q, -2), count = size_of(tau, -1);
  return each(q, [&]<class T>(int64_t b, int* info) {
    with_room<T>([&](T* work, int room) {
      call<T>("orgqr", &m, &k, &count, at<T>(q, b), &m, at<T>(tau, b), work, &room, info);
    });
  });
}

// By divide and conquer.
Infos svd(const Tensor& a, const Tensor& u, const Tensor& s, const Tensor& vt) {
  const int m = size_of(a, -1), n = size_of(a, -2), rows_vt = size_of(vt, -1);
  const char job = u.size(-2) == m && rows_vt == n ? 'A' : 'S';
  std::vector<int> integers(static_cast<size_t>(8 * std::min(m, n)));
  return each(a, [&]<class T>(int64_t b, int* info) {
    with_room<T>([&](T* work, int room) {
      call<T>("gesdd", &job, &m, &n, at<T>(a, b), &m, at<T>(s, b), at<T>(u, b), &m, at<T>(vt, b),
              &rows_vt, work, &room, integers.data(), info, size_t{1});
    });
  });
}

// By divide and conquer.
Infos eigh(const Tensor& a, const Tensor& values, bool lower) {
  const int n = size_of(a, -1);
  const char job = 'V', triangle = lower ? 'L' : 'U';
  std::vector<int> integers(static_cast<size_t>(3 + 5 * int64_t{n}));  // as syevd asks for
  return each(a, [&]<class T>(int64_t b, int* info) {
    with_room<T>([&](T* work, int room) {
      const int integer_room = room < 0 ? -1 : static_cast<int>(integers.size());
      call<T>("syevd", &job, &triangle, &n, at<T>(a, b), &n, at<T>(values, b), work, &room,
              integers.data(), &integer_room, info, size_t{1}, size_t{1});
    });
  });
}

}  // namespace iolaus::lapack
