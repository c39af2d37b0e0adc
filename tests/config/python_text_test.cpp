// Python's texts of scalars, against values printed by CPython 3.11.
#include "config/python_text.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace iolaus::config;

TEST_CASE("floats print as repr() prints them") {
  CHECK(python_float(1.0) == "1.0");
  CHECK(python_float(0.1) == "0.1");
  CHECK(python_float(-0.0) == "-0.0");
  CHECK(python_float(1e-4) == "0.0001");
  CHECK(python_float(1e-5) == "1e-05");
  CHECK(python_float(1.5e-7) == "1.5e-07");
  CHECK(python_float(1e15) == "1000000000000000.0");
  CHECK(python_float(1e16) == "1e+16");
  CHECK(python_float(123456.789) == "123456.789");
  CHECK(python_float(5e-324) == "5e-324");
  CHECK(python_float(1.7976931348623157e308) == "1.7976931348623157e+308");
  CHECK(python_float(-HUGE_VAL) == "-inf");
  CHECK(python_float(std::nan("")) == "nan");
}

TEST_CASE("strings print as repr() prints them") {
  CHECK(python_quoted("a") == "'a'");
  CHECK(python_quoted("it's") == "\"it's\"");
  CHECK(python_quoted("it's \"x\"") == "'it\\'s \"x\"'");
  CHECK(python_quoted("a\tb\n\\") == "'a\\tb\\n\\\\'");
  CHECK(python_quoted("\x01\x7f") == "'\\x01\\x7f'");
  CHECK(python_quoted("é") == "'é'");
  CHECK(python_quoted("\xC2\xA0\xE2\x80\xA8") == "'\\xa0\\u2028'");
  CHECK(python_quoted("😀") == "'😀'");
  CHECK(python_quoted_bytes(std::string("a\0\xff'", 4)) == "b\"a\\x00\\xff'\"");
}

TEST_CASE("int() and float() read what Python reads") {
  CHECK(python_int(" 12 ") == 12);
  CHECK(python_int("+1_000") == 1000);
  CHECK(python_int("007") == 7);
  CHECK(python_int("-0") == 0);
  CHECK(python_int("٣") == 3);
  CHECK_FALSE(python_int("1__0"));
  CHECK_FALSE(python_int("_1"));
  CHECK_FALSE(python_int("0x10"));
  CHECK_FALSE(python_int("1.0"));
  CHECK_FALSE(python_int(""));
  CHECK_FALSE(python_int("9223372036854775808"));
  CHECK(python_reads_int("9223372036854775808"));
  CHECK(python_float_value("1e3") == 1000.0);
  CHECK(python_float_value(".5") == 0.5);
  CHECK(python_float_value("5.") == 5.0);
  CHECK(python_float_value("1_0.2_5") == 10.25);
  CHECK(python_float_value("-Infinity") == -HUGE_VAL);
  CHECK(python_float_value("1e999") == HUGE_VAL);
  CHECK(python_float_value("1e-999") == 0.0);
  CHECK_FALSE(python_float_value("1_.5"));
  CHECK_FALSE(python_float_value("0x1p3"));
  CHECK_FALSE(python_float_value("e5"));
  CHECK_FALSE(python_float_value("--1"));
}

TEST_CASE("bad UTF-8 decodes to replacement characters and always moves on") {
  const std::string bad = "a\xff\xc3(\xed\xa0\x80z";
  std::size_t i = 0, count = 0;
  while (i < bad.size() && count < 100) {
    next_character(bad, i);
    ++count;
  }
  CHECK(i == bad.size());
  CHECK(count == 8);  // a, ff, c3, (, ed, a0, 80, z
}
