// What the program says of CUDA must agree with what it can do, with and without a GPU.
#include "core/device_info.h"

#include <doctest/doctest.h>

#include "core/device.h"
#include "core/dynamic_library.h"
#include "core/error.h"

using namespace iolaus;

TEST_CASE("the information about CUDA agrees with the backend, and a lack has a reason") {
  const CudaInfo info = cuda_info();
  CHECK(info.devices.empty() == !is_available(kCUDA));
  CHECK(info.devices.empty() == !info.problem.empty());
  if (!info.built) CHECK(info.runtime_version.empty());
  if (info.built) {
    CHECK(info.libraries.size() == 3);  // cuBLASLt, cuDNN, cuSOLVER
    for (const LibraryInfo& library : info.libraries) {
      CAPTURE(library.name);
      CHECK(library.version.empty() == !library.problem.empty());
    }
  }
}

TEST_CASE("a device that is not there is an error that says what is") {
  const int count = is_available(kCUDA) ? backend(kCUDA).device_count() : 0;
  try {
    parse_device("cuda:63");
    FAIL("expected an error");
  } catch (const Error& e) {
    CHECK(e.code() == ErrorCode::kDevice);
    CHECK(std::string(e.what()).find("device=cpu") != std::string::npos);
  }
  if (count == 0) CHECK_THROWS_AS(parse_device("cuda"), Error);
}

TEST_CASE("a library that is missing is an error where it is needed, not before") {
  const DynamicLibrary missing({"libiolaus_no_such_thing.so.1", "libiolaus_nor_this.so"});
  CHECK(!missing.is_open());
  CHECK(missing.problem().find("libiolaus_no_such_thing") != std::string::npos);
  CHECK(missing.find("f") == nullptr);
  CHECK_THROWS_WITH_AS(missing.get<void (*)()>("f"),
                       doctest::Contains("cannot load libiolaus_no_such_thing.so.1"), Error);
  const DynamicLibrary math({"libm.so.6"});
  REQUIRE(math.is_open());
  CHECK(math.get<double (*)(double)>("cos")(0.0) == 1.0);
  CHECK_THROWS_WITH_AS(math.get<void (*)()>("no_such_function"),
                       doctest::Contains("has no function no_such_function"), Error);
}
