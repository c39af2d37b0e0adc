// Which variant runs: the config's choice, a rule per shape, the tune cache, the default. A kernel
// of this test's own has variants that count their calls, wait and lie as they are told.
#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/io/json.h"
#include "core/warning.h"
#include "kernels/check.h"
#include "kernels/copy/copy.h"
#include "kernels/matmul/matmul.h"
#include "kernels/tune_cache.h"

using namespace iolaus;
using doctest::Contains;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

// y = 2 x over n elements, and calls += 1.
struct Twice {
  Tensor x, y, calls;
  DType dtype() const { return x.dtype(); }
  Device device() const { return x.device(); }
  std::string describe() const { return x.describe(); }
  Cost cost() const { return {}; }
  static constexpr const char* kSizes[] = {"n"};
  std::array<int64_t, 1> named_sizes() const { return {x.numel()}; }
  template <class V> void visit(V&& v) {
    v("x", x, Role::kIn), v("y", y, Role::kOut), v("calls", calls, Role::kInOut);
  }
};

int64_t g_slow_us = 0;       // how long each call of "slow" takes
double g_lie = 0;            // what "liar" adds to the truth
thread_local int g_ran = 0;  // which variant ran last: 1 slow, 2 quick, 3 liar, 4 reference

void compute(const Twice& a, double error = 0) {
  for (int64_t i = 0; i < a.x.numel(); ++i) {
    a.y.data<float>()[i] = static_cast<float>(2 * double{a.x.data<float>()[i]} + error);
  }
  *a.calls.data<float>() += 1;
}
void run_slow(const Twice& a) {
  g_ran = 1;
  const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(g_slow_us);
  while (std::chrono::steady_clock::now() < end) continue;
  compute(a);
}
void run_quick(const Twice& a) { g_ran = 2, compute(a); }
void run_liar(const Twice& a) { g_ran = 3, compute(a, g_lie); }
void run_reference(const Twice& a) { g_ran = 4, compute(a); }
const char* quick_why_not(const Twice& a) { return a.x.numel() % 2 != 0 ? "n is odd" : nullptr; }

std::vector<Twice> samples(DType dtype) {
  const Tensor x = sample_tensor({4}, dtype, 1);
  return {{x, empty_like(x), from_values<float>({0}, {1})}};
}
KernelSet<Twice>& twice() {
  static auto* set = [] {
    auto* made = new KernelSet<Twice>("test_twice", "test_twice", samples);
    made->add({"slow", kCPU, {kFloat32}, run_slow, 3});
    made->add({"quick", kCPU, {kFloat32}, run_quick, 2, quick_why_not});
    made->add({"liar", kCPU, {kFloat32}, run_liar, 1});
    made->add({"reference", kCPU, {kFloat32}, run_reference, 0});
    return made;
  }();
  return *set;
}

// Runs it on n elements; which variant ran.
int run(int64_t n) {
  Twice args{sample_tensor({n}, kFloat32, 2), empty({n}), from_values<float>({5}, {1})};
  twice()(args);
  CHECK(args.calls.item() == 6);  // measurements run on copies
  for (int64_t i = 0; i < n && g_lie == 0; ++i) {
    REQUIRE(args.y.data<float>()[i] == 2 * args.x.data<float>()[i]);
  }
  return g_ran;
}

// Known by addresses, and without adopt(): keep is filled by samples only.
struct Hidden {
  std::vector<Tensor> keep;
  DType dtype() const { return kFloat32; }
  Device device() const { return Device(); }
  std::string describe() const { return "hidden"; }
  Cost cost() const { return {}; }
  static constexpr const char* kSizes[] = {"n"};
  std::array<int64_t, 1> named_sizes() const { return {1}; }
  template <class V> void visit(V&& v) {
    for (Tensor& t : keep) v("t", t, Role::kOut);
  }
};

std::vector<std::string> g_warnings;

// A cache folder of its own, and everything as it was at the end.
class Cache {
 public:
  Cache() {
    static int count = 0;
    path_ = fs::temp_directory_path() /
            ("iolaus_tune_" + std::to_string(getpid()) + "_" + std::to_string(count++));
    setenv("IOLAUS_CACHE_DIR", path_.c_str(), 1);
    g_warnings.clear();
    set_warning_handler([](const std::string& text) { g_warnings.push_back(text); });
    g_slow_us = 200, g_lie = 0;
  }
  ~Cache() {
    g_slow_us = 0, g_lie = 0;
    reset_kernel_selection();
    reset_tune_mode();
    set_warning_handler(nullptr);
    unsetenv("IOLAUS_CACHE_DIR");
    fs::remove_all(path_);
  }
  std::vector<fs::path> entries() const {
    std::vector<fs::path> found;
    if (!fs::exists(path_)) return found;
    for (const auto& entry : fs::recursive_directory_iterator(path_)) {
      const std::string name = entry.path().filename().string();
      if (entry.is_regular_file() && name != "environment.json") found.push_back(entry.path());
    }
    return found;
  }
  nlohmann::json only() const {
    REQUIRE(entries().size() == 1);
    return io::read_json(entries()[0].string());
  }

 private:
  fs::path path_;
};

void write(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

}  // namespace

TEST_CASE("the best variant is the default, and a named one replaces it") {
  const Cache cache;
  CHECK(run(4) == 1);
  select_kernel("test_twice", "liar");
  CHECK(run(4) == 3);
  reset_kernel_selection();
  CHECK(run(4) == 1);
}

TEST_CASE("the first rule that holds decides, then the named default, then the best") {
  const Cache cache;
  select_kernel("test_twice", {"liar", {{"n > 100 and n % 2 == 0", "quick"}, {"n >= 50", "slow"}}});
  CHECK(twice().selected() ==
        "quick where n > 100 and n % 2 == 0, else slow where n >= 50, else liar");
  CHECK(run(102) == 2);
  CHECK(run(101) == 1);
  CHECK(run(50) == 1);
  CHECK(run(49) == 3);
  CHECK(run(102) == 2);  // from the table now
  select_kernel("test_twice", {"", {{"n == 8", "liar"}}});
  CHECK(run(8) == 3);
  CHECK(run(7) == 1);
}

TEST_CASE("a rule's variant that cannot run, a wrong name and a wrong size are errors") {
  const Cache cache;
  select_kernel("test_twice", {"", {{"n > 2", "quick"}}});
  CHECK_THROWS_WITH_AS(run(5), Contains("[test_twice] no selected variant can run on float32[5]"),
                       Error);
  CHECK_THROWS_WITH(run(5), Contains("quick: n is odd"));  // also from the table
  select_kernel("test_twice", "quick");
  CHECK_THROWS_WITH(run(5), Contains("quick: n is odd"));
  CHECK_THROWS_WITH(select_kernel("test_twice", {"", {{"n > 2", "fast"}}}),
                    Contains("there is no variant 'fast'"));
  CHECK_THROWS_WITH(select_kernel("test_twice", {"", {{"m > 2", "quick"}}}),
                    Contains("expected a number or a size at character 1; the sizes of this kernel "
                             "are n, and there is dtype"));
  CHECK_THROWS_WITH(select_kernel("sgd", {"", {{"n > 2", "cpu"}}}), Contains("has no sizes"));
}

TEST_CASE("conditions are read as they look, and malformed ones are refused") {
  const char* names[] = {"m", "n"};
  const int64_t sizes[] = {6, 100};
  const auto holds = [&](const char* text) {
    return ShapeRule(text, names, "k").holds(sizes, kBFloat16);
  };
  for (const char* text :
       {"m == 6", "m*n>599", "64 <= n <= 128", "not m > 6", "m > 6 or n > 6", "n % 8 == 4",
        "dtype == bfloat16", "dtype != float32 and (m < 2 or n >= 100)", "m - n == -94",
        "n / 0 == 0", "n / 7 == 14", "2 + 3 * m == 20", "not (m == 6 and n == 6)"}) {
    INFO(text);
    CHECK(holds(text));
  }
  for (const char* text : {"m != 6", "64 <= n < 100", "m > 6 or n > 100 and m == 6",
                           "1 < m < 5 or dtype == float16"}) {
    INFO(text);
    CHECK_FALSE(holds(text));
  }
  for (const char* text :
       {"", "m", "m >", "m > 1 2", "(m > 1", "m > 1)", "m = 1", "k > 1", "m > 1 and n", "m && n",
        "not m", "(m > 1) + 1 == 2", "m > 99999999999999999999", "m >> 1", "m > 1 or"}) {
    INFO(text);
    CHECK_THROWS_AS(holds(text), Error);
  }
  CHECK_THROWS_AS(holds((std::string(100000, '(') + "m").c_str()), Error);
}

TEST_CASE("tuning measures a shape once, and later runs read what was entered") {
  const Cache cache;
  set_tune_mode(TuneMode::kTune);
  g_lie = 1;
  CHECK(run(64) == 2);  // slow is the default and 200 us slower; liar is as quick, but wrong
  const nlohmann::json entry = cache.only();
  CHECK(entry["variant"] == "quick");
  CHECK(entry["kernel"] == "test_twice");
  CHECK(entry["dtype"] == "float32");
  CHECK(entry["sizes"] == json::parse(R"([["n", 64]])"));
  CHECK(entry["microseconds"]["slow"].get<double>() > 199);
  CHECK(entry["microseconds"].size() == 2);
  CHECK(entry["rejected"]["liar"].get<std::string>().starts_with("differs from the default: y"));
  const auto written = fs::last_write_time(cache.entries()[0]);
  CHECK(run(64) == 2);
  CHECK(fs::last_write_time(cache.entries()[0]) == written);

  set_tune_mode(TuneMode::kRead);
  CHECK(run(64) == 2);
  CHECK(run(66) == 1);  // a miss
  CHECK(cache.entries().size() == 1);
  set_tune_mode(TuneMode::kOff);
  CHECK(run(64) == 1);
  set_tune_mode(TuneMode::kFrozen);
  CHECK(run(64) == 2);
  CHECK_THROWS_WITH_AS(run(66), Contains("has no entry for test_twice float32 (n 66) on cpu"),
                       Error);
  CHECK(g_warnings.empty());
  // What the config says comes first.
  select_kernel("test_twice", "liar");
  CHECK(run(64) == 3);
  select_kernel("test_twice", {"", {{"n == 64", "reference"}}});
  CHECK(run(64) == 4);
}

TEST_CASE("the default wins a near-tie, and only candidates that can run take part") {
  const Cache cache;
  g_slow_us = 0;
  set_tune_mode(TuneMode::kTune);
  CHECK(detail::fastest(std::vector<double>{1.0, 0.981, 0.99}) == 0);
  CHECK(detail::fastest(std::vector<double>{1.0, 0.99, 0.97}) == 2);
  g_slow_us = 100;
  CHECK(run(31) == 3);  // odd: quick cannot; liar does not lie today
  const nlohmann::json entry = cache.only();
  CHECK(entry["rejected"]["quick"] == "n is odd");
}

TEST_CASE("an entry that does not fit or cannot be read is a miss, with one warning") {
  const Cache cache;
  set_tune_mode(TuneMode::kTune);
  g_lie = 1;  // so that quick wins for certain
  CHECK(run(64) == 2);
  CHECK(run(66) == 2);
  REQUIRE(cache.entries().size() == 2);
  const fs::path first = cache.entries()[0];
  nlohmann::json good = io::read_json(first.string());
  const int64_t n = good["sizes"][0][1];
  const auto reads_as_miss = [&](const std::string& text) {
    INFO(text);
    write(first, text);
    g_warnings.clear();
    set_tune_mode(TuneMode::kRead);
    CHECK(run(n) == 1);
    CHECK(run(130 - n) == 2);  // the other entry is good
    REQUIRE(g_warnings.size() == 1);
    CHECK(g_warnings[0].find("1 of the entries of test_twice float32") != std::string::npos);
  };
  reads_as_miss("");
  reads_as_miss("{\"format\": 1");
  reads_as_miss("[]");
  reads_as_miss(std::string(100, '\0'));
  const auto with = [&](const char* key, nlohmann::json value) {
    nlohmann::json changed = good;
    changed[key] = std::move(value);
    return changed.dump();
  };
  reads_as_miss(with("format", 2));
  reads_as_miss(with("kernel", "other"));
  reads_as_miss(with("dtype", "float16"));
  reads_as_miss(with("sizes", json::parse(R"([["n", 2]])")));  // not what the file's name says
  reads_as_miss(with("sizes", json::parse(R"([["m", 64]])")));
  reads_as_miss(with("variant", "gone"));
  reads_as_miss(with("variant", 3));
  reads_as_miss(with("microseconds", {{"quick", 1.0}}));  // measured when there were fewer
  write(first, good.dump());
  g_warnings.clear();
  set_tune_mode(TuneMode::kRead);
  CHECK(run(n) == 2);
  CHECK(g_warnings.empty());
}

TEST_CASE("products, which know only addresses, are tuned on a device, and stay right") {
  const Cache cache;
  set_tune_mode(TuneMode::kTune);
  const Device device = is_available(kCUDA) ? Device(kCUDA) : Device();
  const Tensor a = sample_tensor({24, 40}, kFloat32, 5), b = sample_tensor({40, 32}, kFloat32, 6);
  const Tensor before = sample_tensor({24, 32}, kFloat32, 7);
  const Tensor c = convert(before, kFloat32, device);
  // c = a b + 2 c: whoever runs twice on c itself counts it twice.
  matmul_into(c, convert(a, kFloat32, device), convert(b, kFloat32, device), nullptr, 1, 2);
  const auto x = a.to_vector<double>(), y = b.to_vector<double>();
  const auto old = before.to_vector<double>(), z = c.to_vector<double>();
  for (size_t i = 0; i < 24; ++i) {
    for (size_t j = 0; j < 32; ++j) {
      double expected = 2 * old[i * 32 + j];
      for (size_t k = 0; k < 40; ++k) expected += x[i * 40 + k] * y[k * 32 + j];
      REQUIRE(z[i * 32 + j] == doctest::Approx(expected).epsilon(1e-5));
    }
  }
  CHECK(g_warnings == std::vector<std::string>());
  if (device.is_cpu()) {
    CHECK(cache.entries().empty());  // one variant can run: there is nothing to choose
    return;
  }
  const json entry = cache.only();
  CHECK(entry["kernel"] == "matmul");
  CHECK(entry["layout"] == "nn");
  CHECK(entry["microseconds"].contains("tile"));
  CHECK(entry["microseconds"].size() + entry["rejected"].size() >= 4);
}

TEST_CASE("a kernel whose operands cannot be copied keeps its default in every mode") {
  const Cache cache;
  static KernelSet<Hidden> set("test_hidden", "test_hidden",
                               [](DType) { return std::vector<Hidden>(); });
  set.add({"first", kCPU, {kFloat32}, [](const Hidden&) { g_ran = 1; }, 2});
  set.add({"second", kCPU, {kFloat32}, [](const Hidden&) { g_ran = 2; }, 1});
  for (const TuneMode mode : {TuneMode::kTune, TuneMode::kFrozen, TuneMode::kRead}) {
    set_tune_mode(mode);
    set(Hidden());
    CHECK(g_ran == 1);
  }
  CHECK(g_warnings.empty());
  CHECK(cache.entries().empty());
}

TEST_CASE("tune modes have four names") {
  CHECK(parse_tune_mode("off") == TuneMode::kOff);
  CHECK(parse_tune_mode("frozen") == TuneMode::kFrozen);
  CHECK_THROWS_WITH_AS(parse_tune_mode("fast"),
                       "[tune] expected off, read, tune or frozen, got 'fast'", Error);
}
