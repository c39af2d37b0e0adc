// copy: within a device by the converting kernel, between devices as bytes of a dense tensor.
#include "kernels/copy/copy.h"

#include "core/call_context.h"
#include "core/views.h"
#include "kernels/check.h"

namespace iolaus {

namespace {

// The input's last two dimensions lie the other way round: around the tiles' sides, in whole packs
// and not, with dimensions before them and after a slice.
std::vector<Pointwise> transposed_samples(DType dtype) {
  std::vector<Pointwise> samples;
  uint64_t seed = 100;
  const Dims shapes[] = {{8, 9},    {31, 33},   {32, 32},    {64, 66},      {65, 63},
                         {12, 136}, {128, 132}, {3, 20, 44}, {2, 3, 16, 32}};
  for (const Dims& sizes : shapes) {
    for (const bool sliced : {false, true}) {
      Dims lying = sizes;
      std::swap(lying[sizes.size() - 1], lying[sizes.size() - 2]);
      lying[sizes.size() - 1] += sliced ? 1 : 0;
      Tensor x = sample_tensor(lying, dtype, ++seed, 0, 100);
      if (sliced) x = views::narrow(x, -1, 1, x.size(-1) - 1);
      Pointwise& p = samples.emplace_back();
      p.compute = dtype;
      p.keep = {empty(sizes, {.dtype = dtype}), views::transpose(x, -1, -2)};
      p.prepare();
    }
  }
  return samples;
}

std::vector<Pointwise> copy_samples(DType dtype) {
  std::vector<Pointwise> all = transposed_samples(dtype);
  for (DType to : {dtype, kFloat32, kBFloat16, kInt64, kBool}) {
    for (Pointwise& p : pointwise_samples(1, dtype, to, 0, 100)) all.push_back(std::move(p));
  }
  return all;
}

void copy_within(const Tensor& src, const Tensor& dst) {
  Pointwise p;
  const Operand operands[] = {{&dst}, {&src}};
  make_pointwise(p, "copy", operands, src.dtype());
  copy_kernels()(p);
}

// Same dense geometry: the bytes can be copied as they lie.
bool same_layout(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || !(a.sizes() == b.sizes())) return false;
  if (a.is_contiguous() && b.is_contiguous()) return true;
  return a.strides() == b.strides() && empty_like(a).strides() == a.strides();
}

void copy_dense(const Tensor& src, const Tensor& dst, bool non_blocking) {
  const OpScope scope("copy");
  const Tensor& host = src.device().is_cpu() ? src : dst;
  if (non_blocking && host.is_pinned()) {
    return backend(kCUDA).copy_pinned(dst.raw_data(), dst.device(), src.raw_data(), src.device(),
                                      src.nbytes(), host.storage()->data());
  }
  copy_bytes(dst.raw_data(), dst.device(), src.raw_data(), src.device(), src.nbytes());
}

}  // namespace

KernelSet<Pointwise>& copy_kernels() {
  static auto* set = new KernelSet<Pointwise>("copy", "copy", copy_samples);
  return *set;
}

void copy(const Tensor& src, const Tensor& dst, bool non_blocking) {
  const Dims shape = broadcast_shapes("copy", src.sizes(), dst.sizes());
  IOLAUS_CHECK(shape == dst.sizes(), "[copy] shape {} does not broadcast to {}", src.sizes().str(),
               dst.sizes().str());
  if (dst.numel() == 0) return;
  if (src.device() == dst.device()) return copy_within(src, dst);
  if (same_layout(src, dst)) return copy_dense(src, dst, non_blocking);
  // Dense on the source's side first, then bytes, then strides and dtype on the other side.
  const Tensor dense = make_contiguous(src);
  Tensor moved = empty(src.sizes(), {.dtype = src.dtype(), .device = dst.device()});
  copy_dense(dense, moved, non_blocking);  // moved is not pinned: on the host it is complete
  copy_within(moved, dst);
}

void fill(const Tensor& dst, Scalar value) {
  Pointwise p;
  const Operand operands[] = {{&dst}, {nullptr, value, dst.dtype()}};
  make_pointwise(p, "fill", operands, dst.dtype());
  copy_kernels()(p);
}

Tensor make_contiguous(const Tensor& x) {
  if (x.is_contiguous()) return x;
  Tensor out = empty(x.sizes(), x.options());
  copy(x, out);
  return out;
}

Tensor convert(const Tensor& x, DType dtype, Device device) {
  Tensor out =
      empty_strided(x.sizes(), empty_like(x).strides(), {.dtype = dtype, .device = device});
  copy(x, out);
  return out;
}

}  // namespace iolaus
