// Pickles as inert values: CPython's own in every protocol, and those that want more than data
// (tests/data/core/torch_files.py makes the latter).
#include "core/io/pickle_reader.h"

#include "core/io/numpy_pickle.h"
#include "core/io/pickle_text.h"
#include "core/io/torch_globals.h"
#include "tests/core/io_helpers.h"
#include "tests/core/reference_data.h"

using namespace iolaus;
using namespace iolaus::io;
using Kind = PickleValue::Kind;

namespace {

std::string from_base64(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = bits << 6 | static_cast<uint32_t>(digits.find(c));
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 255);
  }
  return out;
}

Pickle parse(std::string bytes) { return {std::move(bytes), "test", torch_globals()}; }

std::string repeat(const std::string& text, int count) {
  std::string out;
  out.reserve(text.size() * static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("pickles of CPython give their values in every protocol") {
  for (const auto& item : test::load_json("torch/pickles.json")) {
    CAPTURE(item["protocol"].get<int>());
    const Pickle pickle = parse(from_base64(item["bytes"]));
    const PickleValue& root = pickle.root();
    REQUIRE(root.is(Kind::kDict));
    const auto ints = root.find("ints")->items();
    const std::vector<int64_t> expected{0, 255, -1, 65536, int64_t{1} << 40, INT64_MIN};
    REQUIRE(ints.size() == expected.size());
    for (size_t i = 0; i < expected.size(); ++i) CHECK(ints[i].integer == expected[i]);
    CHECK(root.find("text")->is_text("\xc3\xa9tat"));
    CHECK(root.find("text")->is(Kind::kStr));
    CHECK(root.find("f")->real == -2.5);
    CHECK(root.find("none")->is(Kind::kNone));
    const auto tuple = root.find("t")->items();
    REQUIRE(tuple.size() == 3);
    CHECK(tuple[0].describe() == "True");
    CHECK(tuple[1].describe() == "False");
    CHECK(tuple[2].is(Kind::kTuple));
    std::string storage;
    CHECK(bytes_of_pickle(*root.find("bytes"), &storage) == std::string_view("\0\xff", 2));
    CHECK(root.find("again")->node == root.find("ints")->node);
    CHECK(root.find("other") == nullptr);
  }
}

TEST_CASE("what Python 2 wrote is decoded") {
  const std::string bytes =
      "(lp0\n"
      "S'a\\n\\x41\\101\\\\\\'\"'\np1\na"
      "Vx\\u00e9\\U0001f600\xe9\np2\na"
      "g1\na"
      "I01\na"
      "I-7\na"
      "L5L\na"
      "F1.5\na"
      "U\x02hia"
      "S\"it's\"\na"
      "(dp3\nS'key'\nI3\nsa.";
  const Pickle pickle = parse(bytes);
  const auto items = pickle.root().items();
  REQUIRE(items.size() == 10);
  CHECK(items[0].text == "a\nAA\\'\"");
  CHECK(items[0].is(Kind::kBytes));
  CHECK(items[1].text == "x\xc3\xa9\xf0\x9f\x98\x80\xc3\xa9");
  CHECK(items[2].text == items[0].text);
  CHECK(items[3].describe() == "True");
  CHECK(items[4].integer == -7);
  CHECK(items[5].integer == 5);
  CHECK(items[6].real == 1.5);
  CHECK(items[7].text == "hi");
  CHECK(items[8].text == "it's");
  CHECK(items[9].find("key")->integer == 3);
}

TEST_CASE("pickles that want more than data are refused with place and reason") {
  for (const auto& item : test::load_json("torch/refused.json")) {
    CAPTURE(item["name"].get<std::string>());
    const ErrorCode code =
        item["code"] == "corrupt" ? ErrorCode::kCorrupt : ErrorCode::kUnsupported;
    test::check_error(code, item["words"], [&] { parse(from_base64(item["bytes"])); });
    test::check_error(code, "[pickle] test: byte ", [&] { parse(from_base64(item["bytes"])); });
  }
}

TEST_CASE("short pickles of many values are refused before they take much memory") {
  constexpr int kCount = 3'000'000;
  for (const std::string& bytes :
       {repeat("]", kCount), repeat("N", kCount), repeat("(", kCount), repeat("]]a", kCount),
        "]q\x01(" + repeat("h\x01", kCount) + "e.", repeat("N\x94", kCount),
        repeat(")\x85", kCount), "}" + repeat("NNs", kCount) + "."}) {
    CAPTURE(bytes.substr(0, 8));
    test::check_error(ErrorCode::kUnsupported, "need more memory", [&] { parse(bytes); });
  }
}

TEST_CASE("nesting and sharing cost no more than what they are written with") {
  // Nothing recurses, neither while reading nor at the end.
  const Pickle deep = parse(repeat("]", 100'000) + repeat("a", 99'999) + ".");
  CHECK(deep.root().items().size() == 1);
  // Each list holds the one before it ten times: 10^60 values, if they were copied.
  std::string laughs = "]\x94";
  for (int i = 0; i < 60; ++i) {
    laughs += "](" + repeat(std::string("h") + static_cast<char>(i), 10) + "e\x94";
  }
  laughs += repeat("\x86", 60) + ".";
  const Pickle shared = parse(laughs);
  CHECK(shared.root().items().size() == 2);
}

TEST_CASE("what a pickle shares stays shared, also with itself") {
  const std::string bytes =
      "]q\x01h\x01"
      "a.";
  const Pickle pickle = parse(bytes);
  REQUIRE(pickle.root().items().size() == 1);
  CHECK(pickle.root().items()[0].node == pickle.root().node);
}

TEST_CASE("messages show bytes as ASCII, and not all of them") {
  CHECK(quote_bytes("a\n\xff") == "'a\\x0a\\xff'");
  CHECK(quote_bytes(std::string(100, 'x')) == "'" + std::string(48, 'x') + "...'");
}
