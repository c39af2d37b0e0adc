// The op table: schemas, how values become arguments, and the messages where they do not fit.
#include "autograd/op_table.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "autograd/op_json.h"
#include "autograd/ops.h"

using namespace iolaus;
using doctest::Contains;

namespace {

Tensor one(const std::string& op, const std::vector<OpValue>& positional,
           const NamedValues& named = {}) {
  return call_op(op, positional, named).at(0);
}
Tensor matrix() { return from_values<float>({1, 2, 3, 4, 5, 6}, {2, 3}); }

}  // namespace

TEST_CASE("a schema names kinds, defaults and what goes by name only") {
  const OpSchema schema = parse_schema(
      "f(Tensor input, int[2] size=1, *, float? p=None, str mode='a') -> (Tensor, Tensor)");
  CHECK(schema.name == "f");
  REQUIRE(schema.arguments.size() == 4);
  CHECK(schema.arguments[0].required);
  CHECK(schema.arguments[1].kind == "int[]");
  CHECK(schema.arguments[1].repeat == 2);
  CHECK(std::get<Ints>(schema.arguments[1].default_value) == (Ints{1, 1}));
  CHECK(schema.arguments[2].optional);
  CHECK(schema.arguments[2].keyword);
  CHECK(std::get<std::string>(schema.arguments[3].default_value) == "a");
  CHECK(schema.results.size() == 2);
  CHECK_THROWS_WITH(parse_schema("f(Tensor) -> Tensor"), Contains("the schema"));
}

TEST_CASE("a default of one number stands for both, too") {
  const Tensor x = reshape(arange(16, kFloat32), {1, 1, 4, 4});
  const Tensor y = call_op("max_pool2d", {x, int64_t{2}})[0];
  CHECK(y.to_vector<float>() == std::vector<float>{5, 7, 13, 15});
}

TEST_CASE("a list of a fixed length takes that many numbers, or one for all") {
  const Tensor x = reshape(arange(16, kFloat32), {1, 1, 4, 4});
  const std::vector<float> wanted{5, 7, 13, 15};
  CHECK(one("max_pool2d", {x, Ints{2}}).to_vector<float>() == wanted);
  CHECK(one("max_pool2d", {x, Ints{2, 2}, Ints{}}).to_vector<float>() == wanted);
  CHECK_THROWS_WITH(call_op("max_pool2d", {x, Ints{2, 2, 2}}),
                    Contains("[max_pool2d] expected kernel_size to be int[2], got"));
  CHECK_THROWS_WITH(call_op("max_pool2d", {x, Ints{}}), Contains("expected kernel_size"));
  CHECK_THROWS_WITH(call_op("max_pool2d", {x, Ints{2}, Ints{1, 1, 1}}),
                    Contains("[max_pool2d] expected stride to be int[2] or None, got"));
  CHECK_THROWS_WITH(call_op("avg_pool1d", {select(x, 0, 0), Ints{2, 2}}),
                    Contains("[avg_pool1d] expected kernel_size to be int[1], got"));
  CHECK_THROWS_WITH(call_op("fold", {select(x, 0, 0), Ints{4, 4, 4}, Ints{2, 2}}),
                    Contains("[fold] expected output_size to be int[2], got"));
}

TEST_CASE("ops are called by name with positional and named values") {
  CHECK(one("sum", {matrix()}, {{"dim", Ints{1}}}).to_vector<float>() == std::vector<float>{6, 15});
  CHECK(one("sum", {matrix(), int64_t{0}}).to_vector<float>() == std::vector<float>{5, 7, 9});
  CHECK(one("add", {matrix(), int64_t{1}}, {{"alpha", int64_t{2}}}).to_vector<float>()[0] == 3);
  CHECK(call_op("max", {matrix(), int64_t{1}}).size() == 2);
  CHECK(one("softmax", {matrix(), int64_t{1}}, {{"dtype", std::string("float64")}}).dtype() ==
        kFloat64);
  CHECK(one("cat", {Tensors{matrix(), matrix()}}).sizes() == Dims{4, 3});
}

TEST_CASE("the overload is chosen by the arguments") {
  CHECK(one("clamp", {matrix()}, {{"min", int64_t{2}}}).to_vector<float>()[0] == 2);
  const Tensor low = from_values<float>({3, 3, 3}, {3});
  CHECK(one("clamp", {matrix(), low}).to_vector<float>()[0] == 3);
}

TEST_CASE("messages say which op, argument and type are wrong, and what is near") {
  CHECK_THROWS_WITH(call_op("sofmax", {matrix()}),
                    Contains("no op 'sofmax'. Did you mean 'softmax'"));
  CHECK_THROWS_WITH(call_op("softmax", {matrix()}),
                    Contains("[softmax] the argument 'dim' (int) is missing"));
  CHECK_THROWS_WITH(call_op("softmax", {matrix()}, {{"dims", int64_t{1}}}),
                    Contains("no argument 'dims' in softmax("));
  CHECK_THROWS_WITH(call_op("softmax", {matrix()}, {{"dims", int64_t{1}}}),
                    Contains("Did you mean 'dim'"));
  CHECK_THROWS_WITH(call_op("softmax", {matrix(), std::string("x")}),
                    Contains("[softmax] expected dim to be int, got str 'x'"));
  CHECK_THROWS_WITH(call_op("softmax", {matrix(), int64_t{0}}, {{"dim", int64_t{0}}}),
                    Contains("given twice"));
  CHECK_THROWS_WITH(call_op("linear", {matrix(), matrix(), matrix(), matrix()}),
                    Contains("too many for linear("));
  CHECK_THROWS_WITH(call_op("add", {matrix(), std::string("x")}),
                    Contains("no overload takes these arguments"));
}

TEST_CASE("JSON gives arguments") {
  const auto value = [](const char* text) {
    return value_from_json(nlohmann::json::parse(text),
                           [](const nlohmann::json&) { return matrix(); });
  };
  CHECK(std::holds_alternative<std::monostate>(value("null")));
  CHECK(std::get<int64_t>(value("3")) == 3);
  CHECK(std::get<double>(value("0.5")) == 0.5);
  CHECK(std::isinf(std::get<double>(value(R"({"float": "-inf"})"))));
  CHECK(std::get<Ints>(value("[1, 2]")) == Ints{1, 2});
  CHECK(std::get<Floats>(value("[1, 2.5]")).size() == 2);
  CHECK(std::get<Tensors>(value(R"([{"tensor": 0}, {"tensor": 1}])")).size() == 2);
  CHECK(std::get<Indices>(value(R"([{"slice": [null, 2, null]}, null, 1])")).size() == 3);
  CHECK_THROWS_WITH(value("{}"), Contains("expected an argument"));
}

TEST_CASE("advanced indexing follows Python's rules") {
  const Tensor x = reshape(arange(24), {2, 3, 4});
  const Tensor rows = from_values<int64_t>({1, 0}, {2}),
               columns = from_values<int64_t>({3, -1}, {2});
  CHECK(index(x, {rows, Slice{}, columns}).sizes() == Dims{2, 3});
  CHECK(index(x, {Slice{}, rows, columns}).to_vector<int64_t>() ==
        std::vector<int64_t>{7, 3, 19, 15});
  CHECK(index(x, {Ellipsis{}, int64_t{1}}).sizes() == Dims{2, 3});
  CHECK(index(x, {NewAxis{}, Slice{0, 1, 1}}).sizes() == Dims{1, 1, 3, 4});
  CHECK(index(x, {gt(x, 20)}).to_vector<int64_t>() == std::vector<int64_t>{21, 22, 23});
  CHECK(index(x, {int64_t{0}}).storage() == x.storage());
  CHECK_THROWS_WITH(index(x, {from_values<int64_t>({2}, {1})}),
                    Contains("index 2 is out of range for dimension 0 of size 2"));
  CHECK_THROWS_WITH(index(x, {int64_t{0}, int64_t{0}, int64_t{0}, int64_t{0}}),
                    Contains("too many"));
  const Tensor y = zeros({3});
  index_put_(y, {from_values<int64_t>({0, 0, 2}, {3})}, ones({3}), true);
  CHECK(y.to_vector<float>() == std::vector<float>{2, 0, 1});
}
