// The factorisations of linalg.h by LAPACK, on the CPU: the library of CPU tensors, and of those on
// CUDA where nothing better is there. Errors: kUnsupported where LAPACK is not installed.
#pragma once

#include "core/lapack_library.h"
#include "kernels/linalg/linalg.h"

namespace iolaus::lapack {

linalg::Infos cholesky(const Tensor& a);
linalg::Infos solve(const Tensor& a, const Tensor& pivots, const Tensor& b);
linalg::Infos lu(const Tensor& a, const Tensor& pivots);
linalg::Infos qr(const Tensor& a, const Tensor& tau);
linalg::Infos form_q(const Tensor& q, const Tensor& tau);
linalg::Infos svd(const Tensor& a, const Tensor& u, const Tensor& s, const Tensor& vt);
linalg::Infos eigh(const Tensor& a, const Tensor& values, bool lower);

}  // namespace iolaus::lapack
