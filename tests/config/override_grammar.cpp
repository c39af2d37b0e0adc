// The override grammar. Expected values are what Hydra 1.3 makes of the same texts.
#include <doctest/doctest.h>

#include "config/override.h"

using namespace iolaus;
using namespace iolaus::config;

namespace {

std::string value_of(const std::string& line) {
  return parse_override(line).value.to_node().repr();
}

std::string error_of(const std::string& line) {
  try {
    parse_override(line);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("keys have prefixes, groups and packages") {
  const Override plain = parse_override("a.b-c.0=1");
  CHECK(plain.key == "a.b-c.0");
  CHECK(!plain.package);
  CHECK(plain.type == Override::Type::kChange);
  const Override group = parse_override("+db/sub@pkg.x=mysql");
  CHECK(group.key == "db/sub");
  CHECK(group.package == "pkg.x");
  CHECK(group.is_add());
  CHECK(group.key_element() == "+db/sub@pkg.x");
  CHECK(parse_override("++a=1").is_force_add());
  CHECK(parse_override("~a").is_delete());
  CHECK(!parse_override("~a").has_value());
  CHECK(parse_override("g@=1").package == "");
  CHECK(parse_override("$a=1").key == "$a");
}

TEST_CASE("unquoted values are typed by the grammar, not by YAML") {
  CHECK(value_of("k=1_000") == "1000");
  CHECK(value_of("k=1e3") == "1000.0");
  CHECK(value_of("k=-.5") == "-0.5");
  CHECK(value_of("k=1.") == "1.0");
  CHECK(value_of("k=inf") == "inf");
  CHECK(value_of("k=-iNf") == "-inf");
  CHECK(value_of("k=nan") == "nan");
  CHECK(value_of("k=TRUE") == "True");
  CHECK(value_of("k=nUll") == "None");
  CHECK(value_of("k=010") == "'010'");
  CHECK(value_of("k=0x10") == "'0x10'");
  CHECK(value_of("k=yes") == "'yes'");
  CHECK(value_of("k=1:30") == "'1:30'");
  CHECK(value_of("k=.inf") == "'.inf'");
  CHECK(value_of("k=1__0") == "'1__0'");
  CHECK(value_of("k=info") == "'info'");
  CHECK(value_of("k=1.5.2") == "'1.5.2'");
  CHECK(value_of("k=") == "''");
  CHECK(value_of("k=/a-b\\c+d.e$f%g*h@i?j|k") == "'/a-b\\\\c+d.e$f%g*h@i?j|k'");
  CHECK(value_of("k=${a.b}/x") == "'${a.b}/x'");
}

TEST_CASE("blanks around a value go, blanks inside stay") {
  CHECK(value_of("k=  a  b  ") == "'a  b'");
  CHECK(value_of("k=[ a , b c ]") == "['a', 'b c']");
  CHECK(value_of("k= { a : 1 , b : [ x ] }") == "{'a': 1, 'b': ['x']}");
  CHECK(contains(error_of("k=[a, ]"), "Error parsing override 'k=[a, ]'"));
}

TEST_CASE("escapes and quotes follow the even-odd rule of backslashes") {
  CHECK(value_of("k=a\\,b\\ \\(c") == "'a,b (c'");
  CHECK(value_of("k=a\\x") == "'a\\\\x'");
  CHECK(value_of("k='it\\'s'") == "\"it's\"");
  CHECK(value_of("k=\"a\\\\\"") == "'a\\\\'");
  CHECK(value_of("k='a\\\\\\'b'") == "\"a\\\\'b\"");
  CHECK(value_of("k='1'") == "'1'");
  CHECK(value_of("k=''") == "''");
  CHECK(value_of("k='\xC3\xA9, {'") == "'\xC3\xA9, {'");
}

TEST_CASE("dict keys are typed and a later equal key wins") {
  CHECK(value_of("k={1:a,1.0:b,a b:c,true:d}") == "{1: 'd', 'a b': 'c'}");
  CHECK(value_of("k={a:b:c}") == "{'a': 'b:c'}");
  CHECK(value_of("k={}") == "{}");
}

TEST_CASE("values print as they could stand in an override again") {
  for (const char* line :
       {"k=[a,'b c',{x:1.5}]", "k='it\\'s'", "k=\"a\\\\\"", "k=a\\,b", "k=null"}) {
    CAPTURE(line);
    const Override override = parse_override(line);
    CHECK(std::string(line).substr(2) == override.value.as_override());
  }
  CHECK(escape_override_text("a b,c") == "a\\ b\\,c");
  CHECK(escape_override_text("a\\b") == "a\\\\b");
}

TEST_CASE("sweeps are told from values") {
  using ValueType = Override::ValueType;
  CHECK(parse_override("k=a,b").value_type == ValueType::kSimpleChoice);
  CHECK(parse_override("k=choice(a,b)").value_type == ValueType::kChoice);
  CHECK(parse_override("k=range(3)").value_type == ValueType::kRange);
  CHECK(parse_override("k=interval(0,1)").value_type == ValueType::kInterval);
  CHECK(parse_override("k=glob(*)").value_type == ValueType::kGlob);
  CHECK(parse_override("k=[a,b]").value_type == ValueType::kElement);
  CHECK(parse_override("k=int(1,2)").value_type == ValueType::kSimpleChoice);
  CHECK(parse_override("k=tag(t1,t2,choice(a))").value.sweep->tags.size() == 2);
}

TEST_CASE("sweeps enumerate as the basic sweeper needs them") {
  using Texts = std::vector<std::string>;
  const auto values = [](const std::string& line) {
    return sweep_values(parse_override(line), {"mysql", "pg", "sqlite"});
  };
  CHECK(values("k=a,'b,c',[1,2]") == Texts{"a", "'b,c'", "[1,2]"});
  CHECK(values("k=range(0,10,3)") == Texts{"0", "3", "6", "9"});
  CHECK(values("k=range(3,0,-1)") == Texts{"3", "2", "1"});
  CHECK(values("k=range(0,0.5,0.1)") == Texts{"0.0", "0.1", "0.2", "0.3", "0.4"});
  CHECK(values("k=range(1,0,-0.3)") ==
        Texts{"1.0", "0.7000000000000001", "0.4", "0.10000000000000003"});
  CHECK(values("k=sort(range(3),reverse=true)") == Texts{"2", "1", "0"});
  CHECK(values("k=sort(choice(b,a))") == Texts{"a", "b"});
  CHECK(values("k=glob(*,exclude=[m*,p?])") == Texts{"sqlite"});
  CHECK(values("k=bool(0,1)") == Texts{"False", "True"});
  CHECK(values("k=shuffle(a,b,c)").size() == 3);
  CHECK_THROWS_AS(values("k=interval(0,1)"), Error);
  CHECK_THROWS_AS(values("k=range(0,3,0)"), Error);
  CHECK_THROWS_AS(values("k=range(0,1e18,1e-9)"), Error);
}

TEST_CASE("casts reach into lists, dicts and sweeps") {
  CHECK(value_of("k=int([1.9,'2',true])") == "[1, 2, 1]");
  CHECK(value_of("k=float({a:1,b:'1_0'})") == "{'a': 1.0, 'b': 10.0}");
  CHECK(value_of("k=str([1,1e3,true])") == "['1', '1000.0', 'true']");
  CHECK(value_of("k=bool([1,'false',null])") == "[True, False, False]");
  CHECK(value_of("k=int(value=3)") == "3");
}

TEST_CASE("errors of functions are Python's, word for word") {
  const auto says = [](const std::string& line, const std::string& part) {
    CAPTURE(line);
    const std::string error = error_of(line);
    CAPTURE(error);
    CHECK(contains(error, part));
  };
  says("k=int(abc)",
       "ValueError while evaluating 'int(abc)': invalid literal for int() with base "
       "10: 'abc'");
  says("k=int(inf)", "OverflowError while evaluating 'int(inf)': cannot convert float infinity");
  says("k=range()", "missing a required argument: 'start'");
  says("k=range(1,2,3,4)", "too many positional arguments");
  says("k=range(1,start=2)", "multiple values for argument 'start'");
  says("k=choice(x=1)", "got an unexpected keyword argument 'x'");
  says("k=range(a)", "mismatch type argument start: str is incompatible with Union[int, float]");
  says("k=sort(3,2,str(1))", "'<' not supported between instances of 'str' and 'int'");
  says("k=choice(a=1,b)", "positional argument follows keyword argument");
  says("k=foo(1)",
       "Unknown function 'foo'\nAvailable: "
       "bool,choice,float,glob,int,interval,range,shuffle,sort,str,tag\n");
  says("k=choise(a,b)", "Did you mean 'choice'?");
  says("k=extend_list(1)", "It needs version_base=\"1.4\"");
}

TEST_CASE("version_base 1.4 knows json_str and extend_list") {
  const OverrideGrammar grammar{.hydra_1_4 = true};
  CHECK(parse_override("k=json_str({a:[1,b]})", grammar).value.text() == "{\"a\": [1, \"b\"]}");
  const Override extension = parse_override("k=extend_list(1,[2])", grammar);
  CHECK(extension.value.kind == OverrideValue::Kind::kExtension);
  CHECK(extension.value.to_node().repr() == "[1, [2]]");
}

TEST_CASE("syntax errors show the place and what was expected") {
  const std::string error = error_of("k=[1,2");
  CHECK(contains(error, "Error parsing override 'k=[1,2'"));
  CHECK(contains(error, "column 7: expected ',' or ']', got the end"));
  const std::string bad = error_of("k=a~b");
  CHECK(contains(bad, "LexerNoViableAltException: k=a~b\n"));
  CHECK(contains(bad, "the character '~'"));
  CHECK(contains(error_of("k='a"), "a quote that does not end"));
  CHECK(contains(error_of("k=99999999999999999999"), "does not fit in 64 bits"));
  CHECK(contains(error_of("lst[1]=9"), "LexerNoViableAltException: lst[1]=9"));
}

TEST_CASE("nesting is limited and time is linear") {
  const std::string deep(100'000, '[');
  CHECK(contains(error_of("k=" + deep), "at most 64 levels"));
  std::string wide = "k=[";
  for (int i = 0; i < 100'000; ++i) wide += "a,";
  CHECK(parse_override(wide + "a]").value.items.size() == 100'001);
}
