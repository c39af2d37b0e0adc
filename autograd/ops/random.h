// Random tensors and dropout. Numbers are keyed by seed, offset and element (core/random.h): the
// same on every device and for every number of threads.
#pragma once

#include "core/random.h"
#include "core/tensor.h"

namespace iolaus {

/// Uniform in [0, 1), standard normal, integers in [low, high), a permutation of 0 to n - 1.
Tensor rand(const Dims& sizes, const TensorOptions& options = {});
Tensor randn(const Dims& sizes, const TensorOptions& options = {});
Tensor randint(int64_t low, int64_t high, const Dims& sizes,
               TensorOptions options = {.dtype = kInt64});
Tensor randperm(int64_t n, TensorOptions options = {.dtype = kInt64});

/// The same with x's shape, dtype, device and layout.
Tensor rand_like(const Tensor& x);
Tensor randn_like(const Tensor& x);
/// 1 with probability p, else 0, for each element p.
Tensor bernoulli(const Tensor& p);
/// Indices (int64) of num_samples draws from each row of weights (C) or (N, C), which need not sum
/// to 1. Errors: kInvalidArgument.
Tensor multinomial(const Tensor& weights, int64_t num_samples, bool replacement = false);

/// In place, without gradients. Return x.
const Tensor& uniform_(const Tensor& x, double low = 0, double high = 1);
const Tensor& normal_(const Tensor& x, double mean = 0, double std = 1);
const Tensor& bernoulli_(const Tensor& x, double p = 0.5);
/// Times between events that come `rate` to the unit of time.
const Tensor& exponential_(const Tensor& x, double rate = 1);
/// Whole numbers in [low, high), which x's dtype must hold.
const Tensor& random_(const Tensor& x, int64_t low, int64_t high);

/// While training: elements are zero with probability p, the others x / (1 - p). The mask is not
/// stored but drawn again in backward. (Srivastava et al. 2014)
Tensor dropout(const Tensor& x, double p = 0.5, bool training = true);

}  // namespace iolaus
