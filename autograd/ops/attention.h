// Scaled dot product attention, differentiable.
#pragma once

#include <optional>

#include "core/tensor.h"

namespace iolaus {

/// softmax(scale q k^T + mask) v, for q (..., H, L, E), k (..., H, S, E) and v (..., H, S, Ev);
/// the result is (..., H, L, Ev). PyTorch's function, argument by argument:
///   attn_mask   broadcasts to (..., H, L, S): bool, where true takes part, or of q's dtype, added
///   dropout_p   probability of dropping an element of the softmax; always applied
///   is_causal   query i sees keys j <= i (also where L and S differ); no mask beside it
///   scale       1 / sqrt(E) where not given
///   enable_gqa  k and v may have fewer heads, which neighbouring query heads share
/// Rows that see no key give zeros. Without dropout and without a gradient for the mask nothing of
/// size L S is kept. Errors: kInvalidArgument for shapes, kType for dtypes that do not fit.
Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                    const Tensor& attn_mask = {}, double dropout_p = 0,
                                    bool is_causal = false, std::optional<double> scale = {},
                                    bool enable_gqa = false);

}  // namespace iolaus
