// How float32 products may be computed by libraries on tensor cores: PyTorch's
// torch.backends.fp32_precision. TF32 keeps 10 bits of a factor's mantissa (of 23) and sums in
// float32.
#pragma once

#include <string>

namespace iolaus {

enum class Fp32Precision { kIeee, kTf32 };

/// kIeee unless set. Read where a plan is chosen: matmul by cuBLASLt, convolutions by cuDNN.
Fp32Precision fp32_precision();
void set_fp32_precision(Fp32Precision precision);
/// "ieee" or "tf32". Errors: kConfig.
Fp32Precision parse_fp32_precision(const std::string& text);

}  // namespace iolaus
