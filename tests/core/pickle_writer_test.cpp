// The pickle writer against the bytes that CPython writes for the same value
// (tests/data/core/pickle_sample.py).
#include "core/io/pickle_writer.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <fstream>
#include <iterator>

#include "core/error.h"
#include "tests/core/reference_data.h"

using namespace iolaus;

TEST_CASE("a pickle has CPython's bytes: integers of all widths, nesting, sharing, batches") {
  io::PickleWriter p;
  p.dict(8);
  p.str("integers");
  const int64_t integers[] = {0,
                              255,
                              256,
                              65535,
                              65536,
                              -1,
                              -128,
                              -129,
                              INT32_MAX,
                              int64_t{1} << 31,
                              INT32_MIN,
                              int64_t{INT32_MIN} - 1,
                              (int64_t{1} << 39) - 1,
                              int64_t{1} << 39,
                              -(int64_t{1} << 39),
                              int64_t{1} << 47,
                              int64_t{1} << 55,
                              int64_t{1} << 62,
                              INT64_MAX,
                              INT64_MIN};
  p.list(std::size(integers));
  for (const int64_t value : integers) p.integer(value);
  p.str("empty");
  p.list(3);
  p.dict(0);
  p.list(0);
  p.str("");
  p.str("one");
  p.dict(1);
  p.str("key");
  p.list(1);
  p.str("alone");
  p.str("atoms");
  p.list(3);
  p.none();
  p.boolean(true);
  p.boolean(false);
  p.str("text");
  p.list(4);
  p.str("\xce\xa9mega");
  p.str("key");
  p.str(std::string(300, 'a'));
  p.str("key");
  p.str("shared");
  p.list(3);
  const uint32_t shared = p.list(2);
  p.integer(1);
  p.integer(2);
  p.again(shared);
  p.dict(1);
  p.str("again");
  p.again(shared);
  p.str("long list");
  p.list(2001);
  for (int i = 0; i < 2001; ++i) p.integer(i);
  p.str("long dict");
  p.dict(1001);
  for (int i = 0; i < 1001; ++i) {
    p.str("k" + std::to_string(i));
    p.integer(i);
  }
  std::ifstream file(test::data_path("pickle_sample.bin"), std::ios::binary);
  const std::string expected(std::istreambuf_iterator<char>(file), {});
  REQUIRE(expected.size() > 10000);
  CHECK(p.finish() == expected);
}

TEST_CASE("a pickle that lacks values is our mistake and said to be") {
  io::PickleWriter p;
  p.list(2);
  p.integer(1);
  CHECK_THROWS_WITH_AS(p.finish(), "[pickle] a container lacks 1 values", Error);
}
