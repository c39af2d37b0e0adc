// In-place and out= forms: where PyTorch refuses, what happens to histories and views, and how they
// are called by name. Values and gradients of every form are in tests/all_ops/forms_test.cpp.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "autograd/autocast.h"
#include "autograd/op_table.h"
#include "autograd/ops.h"
#include "core/io/json.h"

using namespace iolaus;
using doctest::Contains;

namespace {

Tensor of(DType dtype, const Dims& sizes, Scalar value = 1) {
  return full(sizes, value, {.dtype = dtype});
}
Tensor leaf() { return ones({2}).set_requires_grad(); }
Tensor count(int64_t n) { return arange(n, kFloat32); }

using Case = std::function<Tensor()>;
// The same calls as in forms_torch.py.
std::map<std::string, Case> cases() {
  return {{"int32.add_(1.5)", [] { return add_(of(kInt32, {2}), 1.5); }},
          {"int32.add_(int64)", [] { return add_(of(kInt32, {2}), of(kInt64, {2})); }},
          {"int32.div_(2)", [] { return div_(of(kInt32, {2}), 2); }},
          {"int32.exp_()", [] { return exp_(of(kInt32, {2})); }},
          {"bool.add_(1)", [] { return add_(of(kBool, {2}), 1); }},
          {"int32.eq_(1)", [] { return eq_(of(kInt32, {2}), 1); }},
          {"float32.eq_(1)", [] { return eq_(ones({2}), 1); }},
          {"int32.clamp_(0.5)", [] { return clamp_(of(kInt32, {2}), 0.5, {}); }},
          {"int32.pow_(0.5)", [] { return pow_(of(kInt32, {2}), 0.5); }},
          {"float16.add_(float32)",
           [] { return add_(of(kFloat16, {2}), of(kFloat32, {2}, 1.0 / 4096)); }},
          {"[2].add_([3, 2])",
           [] {
             return add_(ones({2}), ones({3, 2}));
           }},
          {"[2].lerp_([3, 2])",
           [] {
             return lerp_(ones({2}), ones({3, 2}), 0.5);
           }},
          {"expanded.add_(1)", [] { return add_(expand(ones({1}), {3}), 1); }},
          {"x[1:].add_(x[:-1])",
           [] {
             const Tensor x = count(6);
             return add_(narrow(x, 0, 1, 5), narrow(x, 0, 0, 5));
           }},
          {"x[:, 0].add_(x[:, 1])",
           [] {
             const Tensor x = reshape(count(6), {2, 3});
             return add_(select(x, 1, 0), select(x, 1, 1));
           }},
          {"x.add_(x.t())",
           [] {
             const Tensor x = reshape(count(9), {3, 3});
             return add_(x, t(x));
           }},
          {"x.add_(x)",
           [] {
             const Tensor x = count(3);
             return add_(x, x);
           }},
          {"x.index_add_(x[1:])",
           [] {
             const Tensor x = ones({2, 2});
             return index_add_(x, 0, of(kInt64, {1}, 0), narrow(x, 0, 1, 1));
           }},
          {"leaf.add_(1)", [] { return add_(leaf(), 1); }},
          {"leaf[:1].add_(1)", [] { return add_(narrow(leaf(), 0, 0, 1), 1); }},
          {"int32.cumsum_(0)", [] { return cumsum_(of(kInt32, {3}), 0); }},
          {"add(x[:-1], 1, out=x[1:])",
           [] {
             const Tensor x = count(6);
             return add_out(narrow(x, 0, 1, 5), narrow(x, 0, 0, 5), 1);
           }},
          {"add(x, 1, out=x)",
           [] {
             const Tensor x = count(3);
             return add_out(x, x, 1);
           }},
          {"add(leaf, out)", [] { return add_out(empty({2}), leaf(), 1); }},
          {"add(out=leaf)", [] { return add_out(leaf(), ones({2}), 1); }},
          {"add(float32, out=int32)", [] { return add_out(of(kInt32, {2}), ones({2}), 1); }},
          {"add(int32, out=float32)", [] { return add_out(empty({2}), of(kInt32, {2}), 1); }},
          {"add(float64, out=float32)", [] { return add_out(empty({2}), of(kFloat64, {2}), 1); }},
          {"add(out=[0])", [] { return add_out(empty({0}), ones({2}), 1); }},
          {"add(out=[3])", [] { return add_out(empty({3}), ones({2}), 1); }},
          {"add(out=expanded)", [] { return add_out(expand(empty({1}), {3}), ones({3}), 1); }},
          {"eq(out=float32)", [] { return eq_out(empty({2}), ones({2}), 1); }},
          {"cat(out=float64)",
           [] {
             return cat_out(of(kFloat64, {3}), {ones({2}), ones({1})});
           }},
          {"cat(out=int32)",
           [] {
             return cat_out(of(kInt32, {3}), {ones({2}), ones({1})});
           }},
          {"sum(int32, out=float32)",
           [] {
             return sum_out(empty({2}), of(kInt32, {2, 2}), {1});
           }},
          {"sum(1.5, out=int64)",
           [] {
             return sum_out(of(kInt64, {2}), of(kFloat32, {2, 2}, 1.5), {1});
           }},
          {"cumsum(int32, out=float32)", [] { return cumsum_out(empty({3}), of(kInt32, {3}), 0); }},
          {"arange(out=float32)", [] { return arange_out(empty({3}), 0, 3); }},
          {"arange(1.0, out=int32)", [] { return arange_out(of(kInt32, {3}), 0, 3, 1.0); }},
          {"mm(out=float64)",
           [] {
             return mm_out(of(kFloat64, {2, 2}), ones({2, 2}), ones({2, 2}));
           }},
          {"mm(x, x, out=x)",
           [] {
             const Tensor x = ones({2, 2});
             return mm_out(x, x, x);
           }},
          {"argmax(out=float32)", [] {
             return argmax_out(empty({2}), ones({2, 2}), 1);
           }}};
}

// Where we differ, with what is done here.
const std::map<std::string, std::string> kDifferent{
    {"add(out=[3])", "refused: PyTorch resizes out and warns"},
    {"mm(out=float64)", "converted, as out= of elementwise ops"},
    {"argmax(out=float32)", "converted, as out= of elementwise ops"},
    {"mm(x, x, out=x)", "the product; PyTorch's zeros are x, cleared before it is read"}};

}  // namespace

TEST_CASE("forms refuse what PyTorch's refuse, and give what they give") {
  const auto expected =
      io::read_json(std::string(IOLAUS_SOURCE_DIR) + "/tests/autograd/forms_torch.json");
  const auto ours = cases();
  CHECK(expected.size() == ours.size());
  for (const auto& [name, wanted] : expected.items()) {
    INFO(name);
    REQUIRE(ours.contains(name));
    std::string refused;
    Tensor out;
    try {
      out = ours.at(name)();
    } catch (const Error& error) {
      refused = error.what();
    }
    const bool same =
        wanted.is_string()
            ? !refused.empty()
            : out.defined() && dtype_name(out.dtype()) == wanted["dtype"] &&
                  out.sizes() == Dims(wanted["size"].get<std::vector<int64_t>>()) &&
                  out.to_vector<double>() == wanted["values"].get<std::vector<double>>();
    INFO(refused);
    CHECK(same == !kDifferent.contains(name));
  }
  const Tensor x = ones({2, 2});
  CHECK(mm_out(x, x, x).to_vector<float>() == std::vector<float>{2, 2, 2, 2});
}

TEST_CASE("errors of forms name the form and what was given, and change nothing") {
  const Tensor x = of(kInt32, {2});
  const uint32_t version = x.version();
  CHECK_THROWS_WITH(exp_(x), Contains("[exp_] the result is float32, which int32[2] on cpu"));
  CHECK_THROWS_WITH(add_(x, of(kInt32, {3, 2})),
                    Contains("[add_] the result has shape [3, 2], which int32[2] on cpu"));
  CHECK_THROWS_WITH(pow_(x, -1), Contains("[pow] integers have no negative powers"));
  CHECK_THROWS_WITH(add_(narrow(x, 0, 0, 1), leaf()), Contains("[add_] the result"));
  CHECK_THROWS_WITH(mm_out(empty({3, 2}), ones({2, 2}), ones({2, 2})),
                    Contains("[mm] the result has shape [2, 2], which float32[3, 2] on cpu"));
  CHECK_THROWS_WITH(add_out(empty({2}), leaf(), 1), Contains("[add] calls with out record no"));
  CHECK_THROWS_WITH(add_out(Tensor(), x, 1), Contains("[add] out is undefined"));
  CHECK(x.to_vector<int>() == std::vector<int>{1, 1});
  CHECK(x.version() == version);
  const Tensor y = count(3), src = ones({1});
  CHECK_THROWS_WITH(scatter_(y, 0, of(kInt64, {1}, 3), src), Contains("[scatter]"));
  CHECK_THROWS_WITH(index_put_(y, {of(kInt64, {1}, 3)}, src), Contains("index 3 is out of range"));
  CHECK(y.to_vector<float>() == std::vector<float>{0, 1, 2});
  const NoGrad no_grad;
  CHECK(add_out(empty({2}), leaf(), 1).to_vector<float>() == std::vector<float>{2, 2});
}

TEST_CASE("a view's in-place change reaches the base's gradient, and its other views'") {
  const Tensor x = from_values<double>({1, 2, 3, 4}, {2, 2}).set_requires_grad();
  const Tensor base = mul(x, 1);
  const Tensor row = select(base, 0, 0), column = select(base, 1, 0);
  square_(row);
  exp_(select(row, 0, 1));
  CHECK(base.to_vector<double>() == std::vector<double>{1, std::exp(4.0), 3, 4});
  sum(mul(column, 10)).backward({}, true);
  CHECK(x.grad().to_vector<double>() == std::vector<double>{20, 0, 10, 0});
  x.set_grad({});
  sum(base).backward();
  CHECK(x.grad().to_vector<double>()[1] == doctest::Approx(4 * std::exp(4.0)));
}

TEST_CASE("an in-place form whose other input is x itself keeps the old x for backward") {
  const Tensor x = from_values<double>({1, 2, 3}, {3}).set_requires_grad();
  const Tensor y = mul(x, 1);
  mul_(y, y);
  pow_(y, y.detach());
  CHECK(y.to_vector<double>() == std::vector<double>{1, 256, std::pow(9, 9)});
  sum(y).backward();
  CHECK(x.grad().to_vector<double>()[1] == doctest::Approx(4 * 64 * 4));
  const Tensor m = from_values<double>({1, 2, 3, 4}, {2, 2}).set_requires_grad();
  const Tensor c = mul(m, 1);
  addmm_(c, c, c);
  sum(c).backward();
  CHECK(m.grad().to_vector<double>() == std::vector<double>{8, 12, 10, 14});
}

TEST_CASE("+= and its like change the tensor itself") {
  const Tensor x = ones({2}), other = x;
  x += 3;
  x *= x;
  x -= ones({2});
  x /= 5;
  CHECK(other.to_vector<float>() == std::vector<float>{3, 3});
}

TEST_CASE("in-place forms without a gradient of their own stop it") {
  const Tensor x = ones({2}).set_requires_grad();
  const Tensor y = mul(x, 3);
  gt_(y, 1);
  CHECK(y.requires_grad());
  sum(y).backward();
  CHECK(x.grad().to_vector<float>() == std::vector<float>{0, 0});
}

TEST_CASE("relu_ keeps no copy of its input") {
  const Tensor x = from_values<float>({-1, 2}, {2}).set_requires_grad();
  const Tensor y = mul(x, 2);
  const void* memory = y.raw_data();
  relu_(y);
  CHECK(y.raw_data() == memory);
  sum(y).backward();
  CHECK(x.grad().to_vector<float>() == std::vector<float>{0, 2});
}

TEST_CASE("views in place change the handle's shape and its history") {
  const Tensor x = from_values<float>({1, 2, 3, 4, 5, 6}, {2, 3}).set_requires_grad();
  CHECK_THROWS_WITH(t_(x), Contains("[t_] a leaf that requires a gradient"));
  const Tensor y = mul(x, 1), old = view(y, {6});
  unsqueeze_(t_(y), 0);
  CHECK(y.sizes() == Dims{1, 3, 2});
  CHECK(y.storage() == old.storage());
  squeeze_(squeeze_(y, 0));
  transpose_(y, 0, 1);
  CHECK(y.sizes() == Dims{2, 3});
  sum(mul(y, count(3))).backward();
  CHECK(x.grad().to_vector<float>() == std::vector<float>{0, 1, 2, 0, 1, 2});
}

TEST_CASE("autocast leaves in-place and out= forms alone") {
  const Autocast autocast(kCPU, kBFloat16);
  const Tensor a = ones({2, 2});
  CHECK(mm(a, a).dtype() == kBFloat16);
  CHECK(mm_out(empty({2, 2}), a, a).dtype() == kFloat32);
  CHECK(addmm_(zeros({2, 2}), a, a).dtype() == kFloat32);
}

TEST_CASE("forms are called by name, with aliases and the argument out") {
  const Tensor x = ones({2}), out = empty({2});
  CHECK(call_op("add_", {x, int64_t{2}}, {{"alpha", int64_t{3}}})[0].is_same(x));
  CHECK(x.to_vector<float>() == std::vector<float>{7, 7});
  call_op("negative_", {x});
  call_op("clamp_min_", {x, -2.0});
  CHECK(x.to_vector<float>() == std::vector<float>{-2, -2});
  CHECK(call_op("multiply", {x, 2.0}, {{"out", out}})[0].is_same(out));
  CHECK(out.to_vector<float>() == std::vector<float>{-4, -4});
  CHECK(call_op("add", {x, x}, {{"out", OpValue()}})[0].to_vector<float>()[0] == -4);
  const Tensor whole = of(kInt64, {3});
  call_op("arange", {int64_t{0}, 3.0}, {{"out", whole}});
  CHECK(whole.to_vector<int64_t>() == std::vector<int64_t>{0, 1, 2});
  CHECK_THROWS_WITH(call_op("sort", {x}, {{"out", out}}), Contains("no argument 'out' in sort("));
  CHECK_THROWS_WITH(call_op("exp", {x}, {{"out", 1.0}}), Contains("expected out to be a Tensor"));
  CHECK_THROWS_WITH(call_op("maximum_", {x, x}), Contains("no op 'maximum_'"));
  CHECK(find_op("add_")[0].text ==
        "add_(Tensor(a!) input, Tensor other, *, Scalar alpha=1) -> Tensor(a!)");
  CHECK(find_op("add")[0].text ==
        "add(Tensor input, Tensor other, *, Scalar alpha=1, Tensor(a!)? out=None) -> Tensor");
  CHECK(find_op("mm")[0].text ==
        "mm(Tensor input, Tensor mat2, *, Tensor(a!)? out=None) -> Tensor");
}

TEST_CASE("out of shape [0] takes the result's memory, and never that of an input") {
  const Tensor a = ones({2, 3}), out = empty({0});
  sum_out(out, a, {0});
  CHECK(out.to_vector<float>() == std::vector<float>{2, 2, 2});
  const Tensor narrow_one = of(kFloat16, {0});
  add_out(narrow_one, a, 1);
  CHECK(narrow_one.dtype() == kFloat16);
  CHECK(narrow_one.sizes() == Dims{2, 3});
}

TEST_CASE("exponential_ and random_ have their distributions' moments and limits") {
  manual_seed(7);
  const Tensor x = exponential_(empty({20000}), 4);
  CHECK(mean(x).item<double>() == doctest::Approx(0.25).epsilon(0.03));
  CHECK(iolaus::std(x).item<double>() == doctest::Approx(0.25).epsilon(0.04));
  CHECK(all(ge(x, 0)).item<bool>());
  const Tensor n = random_(empty({1000}, {.dtype = kInt32}), -2, 3);
  CHECK(amin(n).item<int>() == -2);
  CHECK(amax(n).item<int>() == 2);
  const Tensor half = t(empty({40, 50}, {.dtype = kFloat16}));
  CHECK(mean(to(exponential_(half), kFloat32)).item<double>() == doctest::Approx(1).epsilon(0.1));
  CHECK_THROWS_WITH(random_(empty({2}, {.dtype = kInt8}), 0, 1000),
                    Contains("[random_] the range"));
  CHECK_THROWS_WITH(exponential_(x, 0), Contains("[exponential_] expected a rate > 0"));
}
