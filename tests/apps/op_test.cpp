// `iolaus op` as a user starts it: files in, files out, and its messages.
#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>

#include "core/io/npy.h"
#include "core/io/safetensors.h"

using namespace iolaus;
using doctest::Contains;
namespace fs = std::filesystem;

namespace {

struct Outcome {
  int status;
  std::string output;  // stdout and stderr together
};

Outcome run(const std::string& arguments) {
  const std::string command = IOLAUS_PROGRAM " op " + arguments + " 2>&1";
  std::FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  Outcome outcome;
  std::array<char, 4096> buffer;
  for (size_t n; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    outcome.output.append(buffer.data(), n);
  }
  outcome.status = pclose(pipe);
  return outcome;
}

std::string temporary(const std::string& name) {
  return (fs::temp_directory_path() / ("iolaus_op_" + std::to_string(getpid()) + "_" + name))
      .string();
}

}  // namespace

TEST_CASE("iolaus op computes from files and writes results and gradients") {
  const std::string x = temporary("x.npy"), out = temporary("out.safetensors");
  io::write_npy(x, from_values<float>({1, 2, 3, 4}, {2, 2}));
  const Outcome product = run("mul " + x + " " + x + " --grad ones --out " + out);
  CHECK_MESSAGE(product.status == 0, product.output);
  const io::TensorMap map = io::load_safetensors(out);
  CHECK(map.at("out.0").to_vector<float>() == std::vector<float>{1, 4, 9, 16});
  CHECK(map.at("grad.0").to_vector<float>() == std::vector<float>{1, 2, 3, 4});
  const Outcome from_container = run("sum " + out + ":out.0 dim=[0] keepdim=true");
  CHECK_MESSAGE(from_container.output.find("tensor([[10., 20.]])") != std::string::npos,
                from_container.output);
  const Outcome joined = run("cat [" + x + "," + x + "] dim=1 --out " + x);
  CHECK_MESSAGE(joined.status == 0, joined.output);
  CHECK(io::read_npy(x).sizes() == Dims{2, 4});
  fs::remove(x);
  fs::remove(out);
}

TEST_CASE("iolaus op says what is wrong and what is near") {
  const auto fails = [](const std::string& arguments, const char* message) {
    const Outcome outcome = run(arguments);
    CHECK(outcome.status != 0);
    CHECK_MESSAGE(outcome.output.find(message) != std::string::npos, outcome.output);
  };
  fails("sofmax", "Did you mean 'softmax'");
  fails("softmax missing.npy dim=0", "missing.npy");
  fails("arange end=3 --devise cpu", "there is no option '--devise'");
  fails("arange end=3 stepp=2", "Did you mean 'step'");
  fails("", "usage: iolaus op NAME");
}

TEST_CASE("iolaus op --list prints every op with signature, dtypes and kernels") {
  const Outcome list = run("--list softmax add");
  CHECK(list.status == 0);
  CHECK(list.output.find("softmax(Tensor input, int dim, dtype? dtype=None, *, Tensor(a!)? out") !=
        std::string::npos);
  CHECK(list.output.find("cpu: float16 bfloat16 float32 float64") != std::string::npos);
  CHECK(list.output.find("softmax (cpu, reference") != std::string::npos);
}
