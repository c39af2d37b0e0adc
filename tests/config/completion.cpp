// Shell completion: what the scripts ask and what they get. The scripts run in the shells that are
// installed; bash always is.
#include <doctest/doctest.h>

#include <cstdlib>

#include "tests/config/support_app.h"

using namespace iolaus;
using namespace iolaus::config;
using config::testing::compose_app;
using config::testing::TempTree;

namespace {

const std::map<std::string, std::string> kTree = {
    {"conf/config.yaml", "defaults:\n- db: mysql\n- _self_\nlr: 0.1\nlayers: [1]\n"},
    {"conf/db/mysql.yaml", "port: 3306\n"},
    {"conf/db/postgres.yaml", "port: 5432\n"}};

// What a shell gets for a line; the tree is named in the line itself.
std::string matches(const TempTree& tree, const std::string& rest) {
  ::setenv("COMP_LINE", ("compose -cp conf -cn config " + rest).c_str(), 1);
  const config::testing::AppResult result = compose_app(tree, {"-sc", "query=bash"});
  ::unsetenv("COMP_LINE");
  CHECK(result.status == 0);
  CHECK(result.err == "");
  return result.out;
}

std::string shell(const std::string& command) {
  std::string out;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  char buffer[512];
  while (std::fgets(buffer, sizeof(buffer), pipe) != nullptr) out += buffer;
  ::pclose(pipe);
  return out;
}

}  // namespace

TEST_CASE("completion reads the tree that the line names") {
  const TempTree tree(kTree);
  CHECK(matches(tree, "db=") == "db=mysql db=postgres\n");
  CHECK(matches(tree, "l") == "layers. lr=\n");
  CHECK(matches(tree, "db=postgres db.") == "db.port=\n");
  CHECK(matches(tree, "db=postgres db.port=") == "db.port=5432\n");
}

TEST_CASE("completion is silent about lines that do not compose") {
  const TempTree tree(kTree);
  CHECK(matches(tree, "nope=[ l") == "\n");
  CHECK(matches(tree, "-cd nowhere l") == "\n");
  CHECK(matches(tree, "--cfg nonsense l") == "\n");
}

TEST_CASE("the completion scripts work in their shells") {
  const TempTree tree(kTree);
  tree.write("bin/.keep", "");
  const std::string start = "cd " + tree.path() + " && ln -sf " + IOLAUS_PROGRAM +
                            " bin/iolaus && export PATH=$PWD/bin:$PATH; ";
  const std::string line = "iolaus compose -cp conf -cn config db=p";
  const std::string bash = R"sh(bash --norc -c 'eval "$(iolaus compose -sc install=bash)"
COMP_LINE=")sh" + line + R"sh("; COMP_POINT=${#COMP_LINE}; COMP_WORDS=($COMP_LINE); COMP_CWORD=6
hydra_bash_completion; echo "${COMPREPLY[@]}"')sh";
  CHECK(shell(start + bash) == "db=postgres\n");
  const std::string fish = R"(fish -c 'iolaus compose -sc install=fish | source
complete -C ")" + line + R"("')";
  if (!shell("command -v fish").empty()) CHECK(shell(start + fish) == "db=postgres\n");
}
