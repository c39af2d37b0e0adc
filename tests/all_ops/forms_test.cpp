// Walks the table of forms (autograd/op_forms.h): every in-place and out= form gives what its op
// gives, over the samples of the registry and those below, for ops that the registry has by another
// name or not at all. Derivatives of in-place changes are compared with differences.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "autograd/gradcheck.h"
#include "autograd/op_registry.h"
#include "autograd/ops.h"
#include "tests/devices.h"

using namespace iolaus;

namespace {

using Function = std::function<Tensor(const Tensors&)>;

OpSample of(Tensors inputs, Function fn) { return {"more", std::move(inputs), std::move(fn)}; }

Tensor reals(uint64_t seed, double low = 0.2, double high = 0.8) {
  return sample64({3, 4}, seed, low, high);
}
Tensor integers() { return from_values<int64_t>({1, 2, 3, 4, 5, 6}, {2, 3}); }
Tensor bits() { return from_values<bool>({true, false, true, true}, {4}); }

// Samples of ops that the registry does not have by this name, or as part of another function.
std::vector<OpSample> more_samples(std::string_view op) {
  const auto one = [&](Tensor (*fn)(const Tensor&)) {
    return std::vector{of({reals(1)}, [fn](const Tensors& x) { return fn(x[0]); })};
  };
  const auto two = [&](Tensor (*fn)(const Tensor&, const Tensor&)) {
    return std::vector{
        of({reals(1), sample64({4}, 2)}, [fn](const Tensors& x) { return fn(x[0], x[1]); })};
  };
  const auto bitwise = [&](Tensor (*fn)(const Tensor&, const Tensor&)) {
    return std::vector{of({integers(), from_values<int64_t>({3, 1, 2}, {3})},
                          [fn](const Tensors& x) { return fn(x[0], x[1]); })};
  };
  const auto logical = [&](Tensor (*fn)(const Tensor&, const Tensor&)) {
    return std::vector{of({bits(), from_values<bool>({true, true, false, true}, {4})},
                          [fn](const Tensors& x) { return fn(x[0], x[1]); })};
  };
  const auto reduce = [&](Tensor (*fn)(const Tensor&)) {
    return std::vector{of({reals(1)}, [fn](const Tensors& x) { return fn(x[0]); })};
  };
  if (op == "relu6") return one(relu6);
  if (op == "selu") return one(selu);
  if (op == "celu") return {of({reals(1, -1)}, [](const Tensors& x) { return celu(x[0], 0.5); })};
  if (op == "sgn") return one(sgn);
  if (op == "isnan") return one(isnan);
  if (op == "isinf") return one(isinf);
  if (op == "isfinite") return one(isfinite);
  if (op == "signbit") return one(signbit);
  if (op == "isposinf") return one(isposinf);
  if (op == "isneginf") return one(isneginf);
  if (op == "logical_not")
    return {of({bits()}, [](const Tensors& x) { return logical_not(x[0]); })};
  if (op == "bitwise_not") {
    return {of({integers()}, [](const Tensors& x) { return bitwise_not(x[0]); })};
  }
  if (op == "bitwise_and") return bitwise(bitwise_and);
  if (op == "bitwise_or") return bitwise(bitwise_or);
  if (op == "bitwise_xor") return bitwise(bitwise_xor);
  if (op == "logical_and") return logical(logical_and);
  if (op == "logical_or") return logical(logical_or);
  if (op == "logical_xor") return logical(logical_xor);
  if (op == "eq") return two(eq);
  if (op == "ne") return two(ne);
  if (op == "lt") return two(lt);
  if (op == "le") return two(le);
  if (op == "gt") return two(gt);
  if (op == "ge") return two(ge);
  if (op == "heaviside") {
    return {of({from_values<double>({-1, 0.5, 2}, {3}), sample64({3}, 1)},
               [](const Tensors& x) { return heaviside(x[0], x[1]); })};
  }
  if (op == "clamp_max") {
    return {of({reals(1)}, [](const Tensors& x) { return clamp(x[0], {}, 0.5); })};
  }
  if (op == "any") return reduce([](const Tensor& x) { return any(x, {1}); });
  if (op == "all") return reduce([](const Tensor& x) { return all(x, {0}); });
  if (op == "argmax") return reduce([](const Tensor& x) { return argmax(x, 1, true); });
  if (op == "argmin") return reduce([](const Tensor& x) { return argmin(x, 0); });
  if (op == "nansum") return reduce([](const Tensor& x) { return nansum(x, {0}); });
  if (op == "count_nonzero") return reduce([](const Tensor& x) { return count_nonzero(x, {1}); });
  if (op == "max") return reduce([](const Tensor& x) { return amax(x); });
  if (op == "min") return reduce([](const Tensor& x) { return amin(x); });
  if (op == "norm") return reduce([](const Tensor& x) { return norm(x, {1}); });
  if (op == "stack") {
    return {of({reals(1), reals(2)}, [](const Tensors& x) { return stack(x, 1); })};
  }
  if (op == "take") {
    const Tensor at = from_values<int64_t>({5, 0, 5}, {3});
    return {of({reals(1)}, [=](const Tensors& x) { return take(x[0], to(at, x[0].device())); })};
  }
  const Tensor rows = from_values<int64_t>({2, 0}, {2});
  if (op == "index_fill") {
    return {of({reals(1)}, [=](const Tensors& x) {
      return index_fill(x[0], 0, to(rows, x[0].device()), 0.5);
    })};
  }
  if (op == "index_copy") {
    return {of({reals(1), sample64({2, 4}, 2)}, [=](const Tensors& x) {
      return index_copy(x[0], 0, to(rows, x[0].device()), x[1]);
    })};
  }
  if (op == "baddbmm") {
    return {of({sample64({2, 2, 4}, 1), sample64({2, 2, 3}, 2), sample64({2, 3, 4}, 3)},
               [](const Tensors& x) { return baddbmm(x[0], x[1], x[2], 0.5, 2); })};
  }
  if (op == "scatter_reduce") {  // which is squared in the registry
    std::vector<OpSample> all;
    const Tensor at = from_values<int64_t>({0, 2, 2, 0, 1, 1, 1, 2}, {2, 4});
    for (const char* how : {"sum", "prod", "mean", "amax", "amin"}) {
      all.push_back(of({reals(1), sample64({2, 4}, 2, 0.5, 2)}, [=](const Tensors& x) {
        return scatter_reduce(x[0], 0, to(at, x[0].device()), x[1], how);
      }));
    }
    return all;
  }
  const auto made = [](const auto& fn) {
    return std::vector{of({reals(1)}, [fn](const Tensors& x) {
      return fn(TensorOptions{.dtype = kFloat64, .device = x[0].device()});
    })};
  };
  if (op == "arange")
    return made([](const auto& o) { return arange(0, 2, 0.5, o.dtype, o.device); });
  if (op == "linspace") return made([](const auto& o) { return linspace(0, 1, 5, o); });
  if (op == "eye") return made([](const auto& o) { return eye(3, 4, o); });
  if (op == "full") return made([](const auto& o) { return full({2, 3}, 2.5, o); });
  if (op == "zeros") return made([](const auto& o) { return zeros({2, 3}, o); });
  if (op == "ones") return made([](const auto& o) { return ones({2, 3}, o); });
  return {};
}

std::vector<OpSample> samples_of(std::string_view op) {
  const std::vector<OpSample> more = more_samples(op);
  for (const OpInfo* info : all_ops()) {
    if (more.empty() && info->name == op) return info->samples();
  }
  return more;
}

Tensors copies(const Tensors& inputs, Device device) {
  Tensors all;
  for (const Tensor& x : inputs) {
    all.push_back(empty_strided(x.sizes(), x.strides(), {.dtype = x.dtype(), .device = device}));
    copy_(all.back(), x);
  }
  return all;
}

// The sample as an in-place change of its first input.
const Tensor& change(const OpForm& form, const OpSample& sample, const Tensor& x,
                     const Tensors& inputs) {
  return detail::in_place(form, x, [&](const Tensor& y) {
    Tensors all = inputs;
    all[0] = y;
    return sample.fn(all);
  });
}

bool has_in_place_form(const OpForm& form, const OpSample& sample, const Tensor& result) {
  return form.name != nullptr && !sample.inputs.empty() &&
         result.sizes() == sample.inputs[0].sizes() &&
         (is_floating(sample.inputs[0].dtype()) || result.dtype() == sample.inputs[0].dtype());
}

void check_equal(const Tensor& actual, const Tensor& expected) {
  REQUIRE(actual.sizes() == expected.sizes());
  const auto a = actual.to_vector<double>(), e = expected.to_vector<double>();
  double error = 0;
  for (size_t i = 0; i < e.size(); ++i) {
    if (std::isnan(e[i]) && std::isnan(a[i])) continue;
    error = std::max(error, std::isnan(a[i]) ? 1 : std::abs(a[i] - e[i]) / (1 + std::abs(e[i])));
  }
  CHECK(error <= 1e-14);
}

// Memory for a result: dense, the transpose of dense memory, and every second element of it.
Tensor destination(const Dims& sizes, const TensorOptions& options, int kind) {
  Dims strides = contiguous_strides(sizes);
  if (kind == 1) {
    int64_t step = 1;
    for (size_t d = 0; d < sizes.size(); ++d) {
      strides[d] = step;
      step *= std::max<int64_t>(sizes[d], 1);
    }
  }
  if (kind == 2) {
    for (int64_t& stride : strides) stride *= 2;
  }
  const Tensor out = empty_strided(sizes, strides, options);
  fill_(out, 1);
  return out;
}

template <class Fn> void for_each_sample(Fn&& fn) {
  for (const OpForm& form : kOpForms) {
    for (const OpSample& sample : samples_of(form.op)) {
      INFO(std::string(form.op), ", ", sample.what);
      fn(form, sample);
    }
  }
}

}  // namespace

TEST_CASE("every form has samples, and every in-place form one that it fits") {
  for (const OpForm& form : kOpForms) {
    INFO(std::string(form.op));
    CHECK(!samples_of(form.op).empty());
    CHECK(find_form(form.op) == &form);
    if (form.name == nullptr) continue;
    CHECK(form.name == std::string(form.op) + "_");
    bool fits = false;
    for (const OpSample& sample : samples_of(form.op)) {
      fits = fits || has_in_place_form(form, sample, sample.fn(sample.inputs));
    }
    CHECK(fits);
  }
}

TEST_CASE("in-place forms put the op's values into the tensor's own memory") {
  for (const Device device : test::all_devices()) {
    const NoGrad no_grad;
    for_each_sample([&](const OpForm& form, const OpSample& sample) {
      const Tensors inputs = copies(sample.inputs, device);
      const Tensor expected = sample.fn(inputs);
      if (!has_in_place_form(form, sample, expected)) return;
      const Tensor x = copies(sample.inputs, device)[0];
      const void* memory = x.raw_data();
      const uint32_t version = x.version();
      CHECK(&change(form, sample, x, inputs) == &x);
      check_equal(x, expected);
      CHECK(x.raw_data() == memory);
      CHECK(x.version() > version);
    });
  }
}

TEST_CASE("gradients of in-place forms agree with differences, also of views of a base") {
  for_each_sample([&](const OpForm& form, const OpSample& sample) {
    if (!is_floating(sample.inputs.at(0).dtype())) return;
    if (!has_in_place_form(form, sample, sample.fn(sample.inputs))) return;
    const auto whole = [&](const Tensors& x) {
      const Tensor y = clone(x[0]);
      change(form, sample, y, x);
      return y;
    };
    CHECK(gradcheck(whole, sample.inputs) == "");
    if (sample.second_order) CHECK(gradgradcheck(whole, sample.inputs) == "");
    for (const int64_t dim : {0, -1}) {
      const auto part = [&](const Tensors& x) {
        const Tensor base = stack({x[0], x[0]}, dim);
        const Tensor y = select(base, dim, 1);
        change(form, sample, y, x);
        return mul(base, base);
      };
      CHECK(gradcheck(part, sample.inputs) == "");
    }
  });
}

TEST_CASE("an in-place form may have the tensor itself as its other inputs") {
  int found = 0;
  for_each_sample([&](const OpForm& form, const OpSample& sample) {
    const Tensor& first = sample.inputs.at(0);
    if (!has_in_place_form(form, sample, sample.fn(sample.inputs))) return;
    std::vector<size_t> same;  // inputs that x can stand for
    for (size_t i = 1; i < sample.inputs.size(); ++i) {
      const Tensor& other = sample.inputs[i];
      if (other.sizes() == first.sizes() && other.dtype() == first.dtype()) same.push_back(i);
    }
    if (same.empty()) return;
    ++found;
    const auto plain = [&](const Tensor& x, const Tensor& others) {
      Tensors all = sample.inputs;
      all[0] = x;
      for (size_t i : same) all[i] = others;
      return sample.fn(all);
    };
    const auto changed = [&](const Tensors& x) {
      const Tensor y = clone(x[0]);
      detail::in_place(form, y, plain, y);
      return y;
    };
    check_equal(changed({first}), plain(first, first));
    if (is_floating(first.dtype())) CHECK(gradcheck(changed, {first}) == "");
  });
  CHECK(found > 20);
}

TEST_CASE(
    "a value that an in-place change overwrites keeps its gradient, or says that it is gone") {
  for_each_sample([&](const OpForm& form, const OpSample& sample) {
    if (!is_floating(sample.inputs.at(0).dtype())) return;
    if (!has_in_place_form(form, sample, sample.fn(sample.inputs))) return;
    // sin saves its input, which then changes: backward must not use the new values.
    const Tensor leaf = copies(sample.inputs, Device())[0].set_requires_grad();
    const Tensor y = mul(leaf, 2);
    const Tensor before = sin(y);
    change(form, sample, y, sample.inputs);
    if (y.numel() == 0) return;
    CHECK_THROWS_AS(before.backward(ones_like(before.detach())), Error);
  });
}

TEST_CASE("out= forms write the op's values into memory of any strides, dtype or none") {
  for (const Device device : test::all_devices()) {
    const NoGrad no_grad;
    for_each_sample([&](const OpForm& form, const OpSample& sample) {
      if (!form.out) return;
      const Tensors inputs = copies(sample.inputs, device);
      const Tensor expected = sample.fn(inputs);
      const auto run = [&](const Tensor& out) {
        const uint32_t version = out.version();
        const bool empty_out = out.sizes() == Dims{0};
        CHECK(&detail::into(form, out, [&] { return sample.fn(inputs); }) == &out);
        if (!empty_out) CHECK(out.version() > version);
        return out;
      };
      for (int kind = 0; kind < 3; ++kind) {
        const Tensor out = destination(expected.sizes(), expected.options(), kind);
        const void* memory = out.raw_data();
        check_equal(run(out), expected);
        CHECK(out.raw_data() == memory);
      }
      if (expected.dtype() == kFloat64) {
        const TensorOptions narrow{.dtype = kFloat32, .device = device};
        check_equal(run(destination(expected.sizes(), narrow, 0)), to(expected, kFloat32));
      }
      check_equal(run(empty({0}, expected.options())), expected);
    });
  }
}

TEST_CASE("out may be an input of an out= form") {
  for (const Device device : test::all_devices()) {
    const NoGrad no_grad;
    for_each_sample([&](const OpForm& form, const OpSample& sample) {
      const Tensor expected = sample.fn(copies(sample.inputs, device));
      for (size_t i = 0; form.out && i < sample.inputs.size(); ++i) {
        const Tensors inputs = copies(sample.inputs, device);
        const Tensor& out = inputs[i];
        if (!(out.sizes() == expected.sizes()) || out.dtype() != expected.dtype()) continue;
        detail::into(
            form, out, [&](const Tensor&) { return sample.fn(inputs); }, out);
        check_equal(out, expected);
      }
    });
  }
}

TEST_CASE("a kernel that the table names writes into the destination itself") {
  const NoGrad no_grad;
  for (const OpForm& form : kOpForms) {
    INFO(std::string(form.op));
    bool claimed = false;
    for (const OpSample& sample : samples_of(form.op)) {
      const Tensor expected = sample.fn(sample.inputs);
      const Tensor out = empty_like(expected);
      detail::Destination destination{form.kernel, &out, false};
      detail::t_destination = &destination;
      sample.fn(sample.inputs);
      detail::t_destination = nullptr;
      claimed = claimed || destination.claimed;
    }
    CHECK(claimed == !form.kernel.empty());
  }
}
