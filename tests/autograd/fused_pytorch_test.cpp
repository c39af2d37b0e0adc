// Normalisations, indexing and fused functions against PyTorch's in float64
// (tests/data/autograd/fused.py), and the messages for arguments that do not fit.
#include "tests/autograd/pytorch_cases.h"

using namespace iolaus;
using doctest::Contains;
using test::Fn;

namespace {

Tensor both(const NormWithSum& r) { return stack({r.out, r.sum}); }
Tensor three(double a, double b, double c) { return from_values<double>({a, b, c}, {3}); }

std::map<std::string, Fn> functions() {
  using T = const Tensors&;
  std::map<std::string, Fn> table{
      {"rms_norm", [](T x) { return rms_norm(x[0], {6}, x[1]); }},
      {"rms_norm_eps",
       [](T x) {
         return rms_norm(x[0], {2, 3}, {}, 1e-2);
       }},
      {"add_layer_norm", [](T x) { return both(add_layer_norm(x[0], x[1], {5}, x[2], x[3])); }},
      {"add_rms_norm", [](T x) { return both(add_rms_norm(x[0], x[1], {5}, x[2], 1e-3)); }},
      {"group_norm_2", [](T x) { return group_norm(x[0], 2, x[1], x[2]); }},
      {"group_norm_plain", [](T x) { return group_norm(x[0], 3, {}, {}, 1e-3); }},
      {"instance_norm", [](T x) { return instance_norm(x[0], {}, {}, x[1], x[2]); }},
      {"instance_norm_running",
       [](T x) {
         const Tensor mean = three(0.5, -1, 2), var = three(1, 2, 0.5);
         const Tensor y = instance_norm(x[0], mean, var, x[1], {}, true, 0.25);
         return cat({flatten(y), mean, var});
       }},
      {"instance_norm_eval",
       [](T x) {
         return instance_norm(x[0], three(0.5, -1, 2), three(1, 2, 0.5), x[1], {}, false);
       }},
      {"bias_gelu", [](T x) { return bias_gelu(x[0], x[1]); }},
      {"bias_gelu_tanh", [](T x) { return bias_gelu(x[0], x[1], "tanh"); }},
      {"adaptive_max_pool2d",
       [](T x) {
         return adaptive_max_pool2d(x[0], {3, 2});
       }},
      {"gather_0", [](T x) { return gather(x[0], 0, x[1]); }},
      {"gather_1", [](T x) { return gather(x[0], 1, x[1]); }},
      {"scatter_1", [](T x) { return scatter(x[0], 1, x[1], x[2]); }},
      {"scatter_value_1", [](T x) { return scatter(x[0], 1, x[1], 2.5); }},
      {"scatter_add_0", [](T x) { return scatter_add(x[0], 0, x[1], x[2]); }},
      {"scatter_add_1", [](T x) { return scatter_add(x[0], 1, x[1], x[2]); }},
      {"index_select_0", [](T x) { return index_select(x[0], 0, x[1]); }},
      {"index_select_1", [](T x) { return index_select(x[0], 1, x[1]); }},
      {"index_add_0", [](T x) { return index_add(x[0], 0, x[1], x[2]); }},
      {"index_add_1", [](T x) { return index_add(x[0], 1, x[1], x[2], 2); }},
      {"take_along_1", [](T x) { return take_along_dim(x[0], x[1], 1); }},
      {"take_along_flat", [](T x) { return take_along_dim(x[0], x[1]); }},
  };
  for (const std::string reduce : {"sum", "prod", "mean", "amax", "amin"}) {
    for (const bool self : {true, false}) {
      table["scatter_reduce_" + reduce + (self ? "_with_self" : "_without_self")] = [=](T x) {
        return scatter_reduce(x[0], 0, x[1], x[2], reduce, self);
      };
    }
  }
  return table;
}

Tensor indices(std::initializer_list<int64_t> values, const Dims& sizes) {
  return from_values<int64_t>(values, sizes);
}

}  // namespace

TEST_CASE("normalisations, indexing and fused functions are PyTorch's") {
  test::run_cases("autograd/fused.json", functions());
}

TEST_CASE("indexing names the op, the index and the shapes that do not fit") {
  const Tensor x = zeros({3, 4});
  CHECK_THROWS_WITH(gather(x, 1, indices({0, 4}, {1, 2})),
                    "[gather] expected indices in [0, 4), got 4 at position 1");
  CHECK_THROWS_WITH(gather(x, 0, indices({0, -1}, {1, 2})),
                    "[gather] expected indices in [0, 3), got -1 at position 1");
  CHECK_THROWS_WITH(gather(x, 2, indices({0}, {1, 1})), Contains("[gather] expected dim in"));
  CHECK_THROWS_WITH(gather(x, 1, indices({0}, {1})),
                    Contains("[gather] expected an index of as many dimensions"));
  CHECK_THROWS_WITH(gather(x, 1, zeros({4, 1}, {kInt64})),
                    Contains("no larger than the input [3, 4] apart from dimension 1, got [4, 1]"));
  CHECK_THROWS_WITH(gather(x, 1, zeros({1, 1})), Contains("dtype int64 or int32, got float32"));
  CHECK_THROWS_WITH(scatter(x, 1, zeros({1, 2}, {kInt64}), zeros({1, 1})),
                    Contains("[scatter] expected src of at least the index's shape [1, 2]"));
  CHECK_THROWS_WITH(scatter_add(x, 1, zeros({1, 1}, {kInt64}), zeros({1, 1}, {kFloat64})),
                    Contains("[scatter_add] expected src of the input's dtype float32"));
  CHECK_THROWS_WITH(scatter_reduce(x, 1, zeros({1, 1}, {kInt64}), x, "median"),
                    Contains("sum, prod, mean, amax or amin, got 'median'"));
  CHECK_THROWS_WITH(index_select(x, 1, indices({1, 9}, {2})),
                    "[index_select] expected indices in [0, 4), got 9 at position 1");
  CHECK_THROWS_WITH(index_select(x, 1, indices({1}, {1, 1})), Contains("index of one dimension"));
  CHECK_THROWS_WITH(index_add(x, 0, indices({1, 2, 5}, {3}), x),
                    "[index_add] expected indices in [0, 3), got 5 at position 2");
  CHECK_THROWS_WITH(index_add(x, 0, indices({1}, {1}), x),
                    Contains("[index_add] expected a source [1, 4]"));
  CHECK_THROWS_WITH(take_along_dim(x, indices({1}, {1}), 1), Contains("as many dimensions"));
}

TEST_CASE("an index without elements changes nothing") {
  const Tensor x = ones({3, 4}), none = zeros({0}, {kInt64});
  CHECK(gather(x, 1, none).sizes() == Dims{0});
  CHECK(sum(scatter_add(x, 0, zeros({0, 4}, {kInt64}), x)).item<double>() == 12);
  CHECK(index_select(x, 1, none).sizes() == Dims{3, 0});
  CHECK(sum(index_add(x, 0, none, zeros({0, 4}))).item<double>() == 12);
}

TEST_CASE("where indices repeat, the last one is assigned, and sums do not depend on threads") {
  const Tensor x = zeros({2}), index = indices({1, 0, 1, 1}, {4});
  const Tensor out = scatter(x, 0, index, from_values<float>({1, 2, 3, 4}, {4}));
  CHECK(out.to_vector<double>() == std::vector<double>{2, 4});
}

TEST_CASE("normalisations and bias_gelu name what does not fit") {
  const Tensor x = zeros({2, 4});
  CHECK_THROWS_WITH(rms_norm(x, {3}), Contains("[rms_norm] expected an input whose last sizes"));
  CHECK_THROWS_WITH(rms_norm(x, {4}, zeros({3})), Contains("[rms_norm] expected weight of"));
  CHECK_THROWS_WITH(add_layer_norm(x, zeros({4}), {4}), Contains("expected a residual like"));
  CHECK_THROWS_WITH(add_rms_norm(x, Tensor(), {4}), Contains("expected a residual like"));
  CHECK_THROWS_WITH(group_norm(x, 3), Contains("[group_norm] expected a number of groups"));
  CHECK_THROWS_WITH(group_norm(x, 2, zeros({2})), Contains("[group_norm] expected weight [4]"));
  CHECK_THROWS_WITH(instance_norm(x), Contains("more than 1 position per channel"));
  CHECK_THROWS_WITH(instance_norm(zeros({1, 2, 3}), {}, {}, {}, {}, false),
                    Contains("expected running_mean and running_var"));
  CHECK_THROWS_WITH(bias_gelu(x, zeros({2})), Contains("[bias_gelu] expected a bias for the last"));
  CHECK_THROWS_WITH(bias_gelu(x, zeros({4}), "fast"), Contains("'none' or 'tanh', got 'fast'"));
}
