// Values and gradients against PyTorch's in float64 (tests/data/autograd/ops.py), and the messages
// for arguments that do not fit.
#include "tests/autograd/pytorch_cases.h"

using namespace iolaus;
using doctest::Contains;

namespace {

using test::Fn;

Tensor weights() { return from_values<double>({0.5, 2, 1.25, 0, 3}, {5}); }
Fn ce(const CrossEntropyOptions& options) {
  return [options](const Tensors& x) { return cross_entropy(x[0], x[1], options); };
}

const std::map<std::string, Fn>& functions() {
  static const std::map<std::string, Fn> table{
      {"cross_entropy", ce({})},
      {"cross_entropy_sum", ce({.reduction = Reduction::kSum})},
      {"cross_entropy_none", ce({.reduction = Reduction::kNone})},
      {"cross_entropy_weight", ce({.weight = weights()})},
      {"cross_entropy_smooth", ce({.label_smoothing = 0.1})},
      {"cross_entropy_all", ce({.weight = weights(), .label_smoothing = 0.2})},
      {"cross_entropy_ignore_1", ce({.ignore_index = 1})},
      {"cross_entropy_one", ce({})},
      {"cross_entropy_probabilities", ce({.weight = weights(), .label_smoothing = 0.1})},
      {"nll_loss", [](const Tensors& x) { return nll_loss(log_softmax(x[0], 1), x[1]); }},
      {"mse_loss", [](const Tensors& x) { return mse_loss(x[0], x[1]); }},
      {"softmax_0", [](const Tensors& x) { return softmax(x[0], 0); }},
      {"softmax_last", [](const Tensors& x) { return softmax(x[0], -1); }},
      {"log_softmax_1", [](const Tensors& x) { return log_softmax(x[0], 1); }},
      {"matmul", [](const Tensors& x) { return matmul(x[0], x[1]); }},
      {"linear", [](const Tensors& x) { return linear(x[0], x[1], x[2]); }},
      {"addmm", [](const Tensors& x) { return addmm(x[0], x[1], x[2], 0.5, 2); }},
      {"var", [](const Tensors& x) { return var(x[0]); }},
      {"var_dims_0",
       [](const Tensors& x) {
         return var(x[0], {0, 2}, 0);
       }},
      {"std_1", [](const Tensors& x) { return iolaus::std(x[0], {1}); }},
      {"norm_1", [](const Tensors& x) { return norm(x[0], {1}); }},
      {"prod_1", [](const Tensors& x) { return prod(x[0], {1}); }},
      {"prod", [](const Tensors& x) { return prod(x[0]); }},
      {"amax_1", [](const Tensors& x) { return amax(x[0], {1}); }},
      {"amin", [](const Tensors& x) { return amin(x[0]); }},
      {"argmax_1", [](const Tensors& x) { return argmax(x[0], 1); }},
      {"argmin", [](const Tensors& x) { return argmin(x[0]); }},
      {"any_1", [](const Tensors& x) { return any(x[0], {1}); }},
      {"all_0", [](const Tensors& x) { return all(x[0], {0}); }},
      {"sum", [](const Tensors& x) { return sum(x[0]); }},
      {"embedding_padding_1", [](const Tensors& x) { return embedding(x[0], x[1], 1); }},
  };
  return table;
}

}  // namespace

TEST_CASE("values and gradients are PyTorch's") {
  test::run_cases("autograd/ops.json", functions());
}

TEST_CASE("messages name the op and the shapes that do not fit") {
  const Tensor x = zeros({2, 3});
  CHECK_THROWS_WITH(mm(x, x), Contains("[mm] expected the columns of the first operand"));
  CHECK_THROWS_WITH(mm(x, zeros({3})), Contains("[mm] expected two matrices, got [2, 3] and [3]"));
  CHECK_THROWS_WITH(matmul(x, zeros({3, 2}, {.dtype = kFloat64})),
                    Contains("[matmul] expected operands of one dtype"));
  CHECK_THROWS_WITH(linear(x, zeros({4, 2})), Contains("x [..., in] and weight [out, in]"));
  CHECK_THROWS_WITH(softmax(x, 2), Contains("[softmax]"));
  CHECK_THROWS_WITH(softmax(zeros({2}, {.dtype = kInt64}), 0), Contains("floating tensor"));
  CHECK_THROWS_WITH(cross_entropy(x, zeros({3}, {.dtype = kInt64})),
                    Contains("[cross_entropy] expected targets of shape [2]"));
  CHECK_THROWS_WITH(cross_entropy(x, from_values<int64_t>({0, 3}, {2})),
                    Contains("targets in [0, 3) or ignore_index, got 3 at position 1"));
  CHECK_THROWS_WITH(amax(zeros({0, 3}), {0}), Contains("at least one element"));
  CHECK_THROWS_WITH(mean(zeros({2}, {.dtype = kInt64})), Contains("floating"));
  CHECK_THROWS_WITH(dropout(x, 1.5), Contains("[dropout] expected p in [0, 1], got 1.5"));
  CHECK_THROWS_WITH(randint(5, 5, {2}), Contains("low < high"));
  CHECK_THROWS_WITH(randint(0, 300, {2}, {.dtype = kUInt8}), Contains("does not fit uint8"));
  CHECK_THROWS_WITH(embedding(x, from_values<int64_t>({2}, {1})),
                    Contains("indices in [0, 2), got 2 at position 0"));
}

TEST_CASE("the same seed gives the same random tensors, in any layout") {
  manual_seed(7);
  const Tensor a = randn({4, 6}), b = rand({5}), p = randperm(10);
  manual_seed(7);
  const Tensor dense = empty({6, 4}), c = transpose(dense, 0, 1);
  normal_(c);
  CHECK(c.to_vector<float>() == a.to_vector<float>());
  CHECK(rand({5}).to_vector<float>() == b.to_vector<float>());
  CHECK(randperm(10).to_vector<int64_t>() == p.to_vector<int64_t>());
}

TEST_CASE("dropout drops the same elements in backward as in forward") {
  manual_seed(3);
  const Tensor x = ones({1000}).set_requires_grad();
  const Tensor y = dropout(x, 0.3);
  sum(y).backward();
  CHECK(y.detach().to_vector<float>() == x.grad().to_vector<float>());
  CHECK(dropout(x, 0.3, false).is_same(x));
}
