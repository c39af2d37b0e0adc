// The emitter, against texts that OmegaConf.to_yaml printed.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <utility>

#include "config/yaml.h"

using namespace iolaus;
using namespace iolaus::config;

TEST_CASE("strings print in the style, with the quotes and folds of OmegaConf.to_yaml") {
  static const std::pair<const char*, const char*> kCases[] = {
      {"plain", "k: plain\n"},
      {"", "k: ''\n"},
      {"1", "k: '1'\n"},
      {"1.5", "k: '1.5'\n"},
      {"1e3", "k: '1e3'\n"},
      {"yes", "k: 'yes'\n"},
      {"No", "k: 'No'\n"},
      {"null", "k: 'null'\n"},
      {"~", "k: '~'\n"},
      {"2001-01-01", "k: '2001-01-01'\n"},
      {"12:30", "k: '12:30'\n"},
      {"0x1F", "k: '0x1F'\n"},
      {"inf", "k: 'inf'\n"},
      {"nan", "k: 'nan'\n"},
      {"a: b", "k: 'a: b'\n"},
      {"a #b", "k: 'a #b'\n"},
      {"a#b", "k: a#b\n"},
      {"# c", "k: '# c'\n"},
      {"- x", "k: '- x'\n"},
      {"-x", "k: -x\n"},
      {"? x", "k: '? x'\n"},
      {"x:", "k: 'x:'\n"},
      {"[x]", "k: '[x]'\n"},
      {"{x}", "k: '{x}'\n"},
      {"*a", "k: '*a'\n"},
      {"&a", "k: '&a'\n"},
      {"!t", "k: '!t'\n"},
      {"%p", "k: '%p'\n"},
      {"@at", "k: '@at'\n"},
      {"`b", "k: '`b'\n"},
      {"|", "k: '|'\n"},
      {"> f", "k: '> f'\n"},
      {" lead", "k: ' lead'\n"},
      {"trail ", "k: 'trail '\n"},
      {"tab\011here", "k: \"tab\\there\"\n"},
      {"multi\nline", "k: 'multi\n\n  line'\n"},
      {"multi\n\nline\n", "k: 'multi\n\n\n  line\n\n  '\n"},
      {"\n", "k: '\n\n  '\n"},
      {"it's", "k: it's\n"},
      {"say \"hi\"", "k: say \"hi\"\n"},
      {"back\\slash", "k: back\\slash\n"},
      {"\303\251 \303\274", "k: \303\251 \303\274\n"},
      {"\346\227\245\346\234\254", "k: \346\227\245\346\234\254\n"},
      {"\360\237\230\200", "k: \360\237\230\200\n"},
      {"\001bell\007", "k: \"\\x01bell\\a\"\n"},
      {"\342\200\250sep", "k: '\342\200\250  sep'\n"},
      {"\302\240nbsp", "k: \302\240nbsp\n"},
      {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
       "aaaaaaaaa",
       "k: "
       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
       "aaaaaaaaa\n"},
      {"word word word word word word word word word word word word word word word word word word "
       "word word word word word word word word word word word word end",
       "k: word word word word word word word word word word word word word word word word\n  word "
       "word word word word word word word word word word word word word end\n"},
      {"word  two word  two word  two word  two word  two word  two word  two word  two word  two "
       "word  two word  two word  two word  two word  two word  two word  two word  two word  two "
       "word  two word  two x",
       "k: word  two word  two word  two word  two word  two word  two word  two word  two\n  word "
       " two word  two word  two word  two word  two word  two word  two word  two\n  word  two "
       "word  two word  two word  two x\n"},
      {"'q q q q q q q q q q q q q q q q q q q q q q q q q q q q q q q q q q q q q q q q q q q q q "
       "q q q q q '",
       "k: '''q q q q q q q q q q q q q q q q q q q q q q q q q q q q q q q q q q q q q q\n  q q q "
       "q q q q q q q q q '''\n"},
      {"=", "k: '='\n"},
      {"<<", "k: '<<'\n"},
      {"---", "k: '---'\n"},
      {"... x", "k: '... x'\n"},
      {"a\011b a\011b a\011b a\011b a\011b a\011b a\011b a\011b a\011b a\011b a\011b a\011b a\011b "
       "a\011b a\011b a\011b a\011b a\011b a\011b a\011b ",
       "k: \"a\\tb a\\tb a\\tb a\\tb a\\tb a\\tb a\\tb a\\tb a\\tb a\\tb a\\tb a\\tb a\\tb a\\tb "
       "a\\tb a\\t\\\n  b a\\tb a\\tb a\\tb a\\tb \"\n"},
      {"\357\274\221\357\274\222", "k: '\357\274\221\357\274\222'\n"},
      {"1_000", "k: '1_000'\n"},
      {"0o17", "k: 0o17\n"},
      {"017", "k: '017'\n"},
      {"+1", "k: '+1'\n"},
      {"-.5", "k: '-.5'\n"},
      {".5", "k: '.5'\n"},
      {"5.", "k: '5.'\n"},
      {"e5", "k: e5\n"},
      {"True", "k: 'True'\n"},
      {"y", "k: 'y'\n"},
      {"N", "k: 'N'\n"},
      {"\302\205nel", "k: '\302\205  nel'\n"},
      {"x\302\205y", "k: 'x\302\205  y'\n"},
      {"a\nb c", "k: 'a\n\n  b c'\n"},
      {" \n x", "k: \" \\n x\"\n"},
      {"line one is quite long and goes past the limit of eighty columns: really it does\nand a "
       "second line",
       "k: 'line one is quite long and goes past the limit of eighty columns: really it does\n\n  "
       "and a second line'\n"},
  };
  for (const auto& [text, printed] : kCases) {
    CAPTURE(text);
    Node root = Node::dict();
    root.set("k", text);
    CHECK(to_yaml(root) == printed);
  }
}

TEST_CASE("containers nest without extra indentation of lists") {
  Node root = load_yaml("a: [[1, 2], [{x: 1, 'y': [3]}], [], {}]\nb: {c: {}}", "f");
  CHECK(to_yaml(root) ==
        "a:\n- - 1\n  - 2\n- - x: 1\n    'y':\n    - 3\n- []\n- {}\nb:\n  c: {}\n");
  CHECK(to_yaml(load_yaml("[1, {a: [2]}, [3]]", "f")) == "- 1\n- a:\n  - 2\n- - 3\n");
  CHECK(to_yaml(Node::dict()) == "{}\n");
  CHECK(to_yaml(Node::list()) == "[]\n");
}

TEST_CASE("keys print by their type, and odd ones as complex keys") {
  Node root = Node::dict();
  root.set(1, true);
  root.set(1.5, Node());
  root.set(true, "t");  // the same key as 1
  root.set("yes", "x");
  root.set("", 1);
  root.set("1", 2);
  root.set(std::string(124, 'k'), 1);
  root.set(std::string(122, 'k'), 2);
  root.set("multi\nkey", Node::list()).append(1);
  CHECK(to_yaml(root) == "1: t\n1.5: null\n'yes': x\n? ''\n: 1\n'1': 2\n? " +
                             std::string(124, 'k') + "\n: 1\n" + std::string(122, 'k') +
                             ": 2\n? 'multi\n\n  key'\n: - 1\n");
}

TEST_CASE("numbers and bytes print as PyYAML represents them") {
  Node root = Node::dict();
  root.set("f", 1e-5);
  root.set("g", 1e20);
  root.set("h", HUGE_VAL);
  root.set("i", -HUGE_VAL);
  root.set("j", std::nan(""));
  std::string data;
  for (int i = 0; i < 20; ++i) data += "hello";
  root.set("d", Node::bytes(data));
  CHECK(to_yaml(root) ==
        "f: 1.0e-05\ng: 1.0e+20\nh: .inf\ni: -.inf\nj: .nan\nd: !!binary |\n"
        "  aGVsbG9oZWxsb2hlbGxvaGVsbG9oZWxsb2hlbGxvaGVsbG9oZWxsb2hlbGxvaGVsbG9oZWxsb2hl\n"
        "  bGxvaGVsbG9oZWxsb2hlbGxvaGVsbG9oZWxsb2hlbGxvaGVsbG9oZWxsbw==\n");
}

TEST_CASE("keys can be sorted and interpolations resolved while printing") {
  const Node root = load_yaml("b: ${a}\na: 1\n", "f");
  CHECK(to_yaml(root) == "b: ${a}\na: 1\n");
  CHECK(to_yaml(root, {.resolve = true}) == "b: 1\na: 1\n");
  CHECK(to_yaml(root, {.sort_keys = true}) == "a: 1\nb: ${a}\n");
}

TEST_CASE("JSON goes out and comes back") {
  const Node root = load_yaml("{a: [1, 2.5, null, true], 'b\"': \"é\\n\", c: {}}", "f");
  CHECK(to_json(root) == "{\"a\": [1, 2.5, null, true], \"b\\\"\": \"é\\n\", \"c\": {}}");
  CHECK(to_json(load_yaml("{a: [1], b: {}}", "f"), 2) ==
        "{\n  \"a\": [\n    1\n  ],\n  \"b\": {}\n}");
  CHECK(load_json(to_json(root), "g") == root);
  CHECK(to_json(load_yaml("[.inf, .nan]", "f")) == "[Infinity, NaN]");
}

TEST_CASE("JSON input is strict, and errors name the line") {
  CHECK(load_json("{\"a\": 1,\n \"b\": 2\n}", "f").at("b").mark().text() == "f:2");
  CHECK_THROWS_WITH_AS(load_json("{\"a\": 1,\n\"a\": 2}", "f"),
                       doctest::Contains("found duplicate key a\n  in \"f\", line 2"), Error);
  CHECK_THROWS_WITH_AS(load_json("[9223372036854775808]", "f"), doctest::Contains("64 bits"),
                       Error);
  CHECK_THROWS_WITH_AS(load_json("[-9223372036854775809]", "f"), doctest::Contains("64 bits"),
                       Error);
  CHECK_THROWS_WITH_AS(load_json("[1,", "f"), doctest::Contains("line 1"), Error);
  CHECK_THROWS_WITH_AS(load_json(std::string(70, '['), "f"), doctest::Contains("64 levels"), Error);
  CHECK_THROWS_AS(load_json("[1] x", "f"), Error);
  CHECK_THROWS_AS(load_json("", "f"), Error);
}
