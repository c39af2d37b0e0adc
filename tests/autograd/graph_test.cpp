// The graph: accumulation, sharing, hooks, in-place changes and views, freed graphs, deep graphs.
#include <doctest/doctest.h>

#include "autograd/anomaly.h"
#include "autograd/engine.h"
#include "autograd/grad_mode.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/inplace.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/view.h"
#include "autograd/record.h"

using namespace iolaus;
using doctest::Contains;

namespace {
Tensor leaf(std::initializer_list<double> values) {
  return from_values<double>(values, {static_cast<int64_t>(values.size())}).set_requires_grad();
}
std::vector<double> vec(const Tensor& t) { return t.to_vector<double>(); }
using V = std::vector<double>;
}  // namespace

TEST_CASE("gradients of a leaf that is used twice add up, also over several backward passes") {
  const Tensor x = leaf({1, 2});
  sum(x * x + x).backward();
  CHECK(vec(x.grad()) == V{3, 5});
  sum(x * x).backward();
  CHECK(vec(x.grad()) == V{5, 9});
  x.set_grad({});
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("backward needs a scalar or a gradient, and a history") {
  const Tensor x = leaf({1, 2});
  CHECK_THROWS_WITH((x * 2).backward(), Contains("scalar output only"));
  CHECK_THROWS_WITH(sum(x.detach()).backward(), Contains("does not require a gradient"));
  CHECK_THROWS_WITH((x * 2).backward(ones({3})), Contains("shape [2], its gradient [3]"));
  (x * 2).backward(from_values<double>({1, 10}, {2}));
  CHECK(vec(x.grad()) == V{2, 20});
}

TEST_CASE("a graph is freed by backward unless it is retained") {
  const Tensor x = leaf({3});
  const Tensor y = sum(x * x);
  y.backward({}, true);
  y.backward();
  CHECK(vec(x.grad()) == V{12});
  CHECK_THROWS_WITH(y.backward(), Contains("already freed"));
}

TEST_CASE("no graph is recorded under NoGrad, nor through detach") {
  const Tensor x = leaf({3});
  {
    const NoGrad no_grad;
    CHECK_FALSE((x * 2).requires_grad());
  }
  const Tensor y = (x * 2).detach() * x;
  sum(y).backward();
  CHECK(vec(x.grad()) == V{6});
}

TEST_CASE("grad returns gradients without touching grad(), also of results and of second order") {
  const Tensor x = leaf({2, 3});
  const Tensor y = x * x * x;
  const Tensor g = grad({sum(y)}, {x}, {}, {.create_graph = true})[0];
  CHECK(vec(g) == V{12, 27});
  CHECK(vec(grad({sum(g)}, {x})[0]) == V{12, 18});
  CHECK_FALSE(x.grad().defined());
  const Tensor h = x * 2;
  CHECK(vec(grad({sum(h * h)}, {h})[0]) == V{8, 12});
  const Tensor unused = leaf({1});
  CHECK_THROWS_WITH(grad({sum(x * 1)}, {unused}), Contains("do not depend on input 0"));
  CHECK_FALSE(grad({sum(x * 1)}, {unused}, {}, {}, true)[0].defined());
}

TEST_CASE("a saved tensor that is changed in place is caught") {
  const Tensor x = leaf({1, 2});
  const Tensor a = x * 1;
  const Tensor b = a * a;
  add_(a, 1);
  CHECK_THROWS_WITH(sum(b).backward(), Contains("changed in place"));
  const Tensor e = exp(x);  // saves its output
  mul_(e, 2);
  CHECK_THROWS_WITH(sum(e).backward(), Contains("exp needs was changed in place"));
}

TEST_CASE("in-place ops enter the history; leaves and expanded memory refuse them") {
  const Tensor x = leaf({1, 2});
  const Tensor y = x * 1;
  mul_(y, 3);
  add_(y, x);
  mul_(y, y);
  sum(y).backward();
  CHECK(vec(x.grad()) == V{32, 64});  // (4x)^2
  CHECK_THROWS_WITH(add_(x, 1), Contains("a leaf that requires a gradient"));
  CHECK_THROWS_WITH(add_(select(x, 0, 0), 1), Contains("a view of a leaf"));
  CHECK_THROWS_WITH(add_(expand(zeros({1}), {3}), 1), Contains("expanded"));
  const NoGrad no_grad;
  add_(x, 1);
  CHECK(vec(x) == V{2, 3});
}

TEST_CASE("a change through a view reaches the base's gradient, and the other way round") {
  const Tensor x = leaf({1, 2, 3});
  const Tensor y = x * 1;
  const Tensor part = narrow(y, 0, 0, 2);
  mul_(part, 10);
  sum(y * y).backward();
  CHECK(vec(x.grad()) == V{200, 400, 6});

  const Tensor u = leaf({1, 2, 3});
  const Tensor base = u * 1;
  const Tensor view_of_base = select(base, 0, 1);
  mul_(base, 5);  // after the view was taken
  view_of_base.backward();
  CHECK(vec(u.grad()) == V{0, 5, 0});

  // A base without gradients gets one through its view.
  const Tensor w = leaf({7});
  const Tensor buffer = zeros({3}, {.dtype = kFloat64});
  copy_(narrow(buffer, 0, 1, 1), w * 2);
  sum(buffer * buffer).backward();
  CHECK(vec(w.grad()) == V{56});
}

TEST_CASE("hooks see and replace gradients of leaves and results, and can be removed") {
  const Tensor x = leaf({1, 2});
  const Tensor y = x * 2;
  V seen;
  const auto remove = y.register_hook([&](const Tensor& g) {
    seen = vec(g);
    return g * 10;
  });
  y.retain_grad();
  const Tensor loss = sum(y);
  loss.backward({}, true);
  CHECK(seen == V{1, 1});
  CHECK(vec(x.grad()) == V{20, 20});
  CHECK(vec(y.grad()) == V{10, 10});
  remove();
  x.set_grad({});
  const auto remove_leaf = x.register_hook([](const Tensor& g) { return g + 1; });
  loss.backward({}, true);
  CHECK(vec(x.grad()) == V{3, 3});
  remove_leaf();
  loss.backward();
  CHECK(vec(x.grad()) == V{5, 5});
}

TEST_CASE("a chain of 100,000 nodes is walked and freed without recursion") {
  const Tensor x = leaf({1});
  Tensor y = x;
  for (int i = 0; i < 100000; ++i) y = y + 1.0;
  y.backward();
  CHECK(vec(x.grad()) == V{1});
  Tensor z = x;
  for (int i = 0; i < 100000; ++i) z = z * x;  // saves its operands: freed through them
  z = Tensor();
  CHECK(x.requires_grad());
}

TEST_CASE("a wide and shared graph runs each node once") {
  const Tensor x = leaf({1});
  Tensor y = x;
  for (int i = 0; i < 60; ++i) y = y + y;  // 2^60 paths
  y.backward();
  CHECK(vec(x.grad()) == V{static_cast<double>(int64_t{1} << 60)});
}

TEST_CASE("mixed dtypes: the gradient of an operand has its dtype") {
  const Tensor a = ones({2}).set_requires_grad();
  const Tensor b = ones({2}, {.dtype = kFloat64}).set_requires_grad();
  const Tensor y = a * b;
  CHECK(y.dtype() == kFloat64);
  sum(y).backward();
  CHECK(a.grad().dtype() == kFloat32);
  CHECK(b.grad().dtype() == kFloat64);
}

TEST_CASE("a custom function states its own gradient, with several inputs and saved tensors") {
  // y = a b with a gradient for b that is deliberately another one.
  const auto scaled_product = [](const Tensor& a, const Tensor& b) {
    Tensor y;
    {
      const NoGrad no_grad;
      y = a * b;
    }
    if (needs_grad(a, b)) {
      record("scaled_product", y, edges(a, b),
             [a = save(a), b = save(b)](const Node& n, const Tensor& g) {
               return std::array{n.needs(0) ? g * b(n) : Tensor(),
                                 n.needs(1) ? g * a(n) * 100 : Tensor()};
             });
    }
    return y;
  };
  const Tensor a = leaf({2, 3}), b = leaf({5, 7});
  const Tensor y = scaled_product(a, b);
  CHECK(y.grad_fn()->name() == std::string("scaled_product"));
  sum(y).backward();
  CHECK(vec(a.grad()) == V{5, 7});
  CHECK(vec(b.grad()) == V{200, 300});
  const Tensor wrong = scaled_product(a, b.detach());
  record("wrong", wrong, edges(a), [](const Node&, const Tensor& g) { return sum(g); });
  CHECK_THROWS_WITH(sum(wrong).backward(), Contains("wrong gave a gradient of shape []"));
}

TEST_CASE("anomaly mode names the op whose gradient is the first with a NaN") {
  const auto loss = [] {
    const Tensor x = zeros({2}).set_requires_grad();
    return sum(mul(sqrt(x), 0.0));  // 0 / 0 in the gradient of sqrt
  };
  loss().backward();
  const DetectAnomaly anomaly;
  CHECK_THROWS_WITH(loss().backward(), doctest::Contains("sqrt"));
  sum(square(ones({2}).set_requires_grad())).backward();
}
