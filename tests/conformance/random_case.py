"""Random config trees and command lines for `differential`: random_case(random) -> a case.

A case is {"files": {name: text}, "argv": [...], "env": {...}}.  Keys come from a small pool, so
that overrides, merges and interpolations meet; a share of everything is wrong on purpose.
"""

import re

KEYS = ["a", "b", "c", "x", "y", "lr", "name"]
ODD_KEYS = ["1", "true", "'q r'", "a-b", "null", "1.5", "\"é\"", "'a.b'", "a_b", "~", "on"]
GROUPS = ["db", "model", "opt", "db/engine", "log"]
OPTIONS = ["one", "two", "x"]
ODD_OPTIONS = [
    "${name}", "???", "nowhere", "one.yaml", "${db}", "${a}_two", "[one, nowhere]", "[x, one]",
    "1", "x",
    "two words", "${oc.env:USER_NAME}", "[[one]]", "one,two", "True", "${nope:1}",
]
PACKAGES = ["_global_", "_group_", "foo", "foo.bar", "db", "a.b", "_here_"]
ODD_PACKAGES = [
    "_name_", "_global_.x", "_group_.y", "_here_", "foo.", "", "a b", "_global_._here_",
    "_group_._name_", "foo@bar",
]
SCALARS = [
    "1", "0", "-7", "1_000", "017", "0x1F", "0b11", "1:30", "08", "12345678901", "1.5", ".5",
    "-.5", "1e3", "1.e+3", "1E-3", "1:30.5", ".inf", "-.INF", ".nan", "nan", "1e400", "true",
    "False", "yes", "off", "null", "~", "", "y", "text", "two words", "'single ''q'''",
    "\"dou\\tble\\u00e9\"", "???", "2020-01-01", "a:b", "'a: b'", "'#no'", "x#y", "'- dash'",
    "\"\"", "'1'", "'1e3'", "'yes'", "'null'", "!!str 1", "!!int '3'", "!!float 2", "+1", "0o17",
    "=x", "'='", "%p", "'@at'", "\"line\\nbreak\"", "'trailing '", "\"\\x07\"", "日本語",
    "1__0", "1.0e+20", "1e16", "123456789.125", "0.1", "1e-7", "'~'",
    "very long text that goes on and on, past the eightieth column of its line, and is folded",
]
INTERPOLATIONS = [
    "${a}", "${b}", "${x}", "${.a}", "${..b}", "${db.a}", "${db.x}", "${model.lr}", "${opt}",
    "${db}", "${.x}", "${name}", "p_${a}_${b}", "${a}${b}", "${x[0]}", "${x.0}", "${b.c}",
    "${missing}", "${...a}", "${oc.env:USER_NAME}", "${oc.env:NOT_SET,default}",
    "${oc.env:PORT,null}", "${oc.decode:'1'}", "${oc.decode:${oc.env:PORT}}",
    "${oc.decode:'[1, a, {b: 2}]'}", "${oc.decode:null}", "${oc.select:missing,7}",
    "${oc.select:a}", "${oc.select:db.a,${b}}", "${oc.dict.keys:db}", "${oc.dict.values:db}",
    "${oc.create:{a:1,b:[2]}}", "${oc.create:${oc.dict.keys:db}}", "${oc.deprecated:a}", "\\${a}",
    "\\\\${a}", "${${name}}", "${db.${name}}", "$a", "${oc.select:'a'}", "${a }x",
    "${hydra:job.name}", "${hydra:runtime.choices}", "${oc.env:PORT}0", "${hydra.job.name}",
    "${oc.decode:'${a}'}", "a ${b} c", "${oc.select:.b}", "${oc.select:..a,1}", "${a.b.c}",
    "${oc.env:'PORT'}", "${oc.env:PORT, 1}", "${x[1]}", "${a[b]}", "${[a][b]}", "${a}.b", "${db}x",
    "${oc.create:[1,${a}]}", "${oc.decode:'{a: ${b}}'}", "${oc.dict.values:.b}",
    "${oc.select:'db.a','q'}",
]
ODD_INTERPOLATIONS = [
    "${a", "${ a }", "${ a }x", "${.}", "${..}", "${a:}", "${}", "${[a]}", "${nope:1}", "${x[-1]}",
    "${a]", "${[a].b}", "${a b}", "${oc.env}", "${oc.env:A,B,C}", "${oc.decode:'a: ['}",
    "${oc.decode:1,2}", "${a.}", "${.a.}", "${a..b}", "${a[}", "${a[]}", "${oc.select:}",
    "${oc.select:a,1,2}", "${oc.dict.keys:a}", "${oc.create:1}", "${oc.deprecated:nope}", "${x.a}",
    "${oc.env:NOT_SET}", "${'a'}", "${oc.env:${a}}", "${oc.decode:\"a b\"}", "$${a}", "${a${b}}",
    "${${a}", "${oc.select:'a'b}", "${oc.env:PORT,'}", "${x[a]}", "${1}", "${db.1}", "${-a}",
    "${a-b}", "${true}", "${null}", "${a:b:c}", "${a:,}", "${oc.env: PORT }", "${oc.decode:{a:1}}",
    "${oc.decode:[1}", "${......a}", "${..a.b}x${", "\\\\\\${a}", "a\\b${a}\\", "'${a}'",
]
ODD_FILES = [
    "", "# nothing\n", "[1, 2]\n", "text\n", "a: [\n", "a: 1\na: 2\n", "null\n",
    "a: 1\n---\nb: 2\n", "defaults: 3\n", "defaults: {}\na: 1\n", "\ta: 1\n", "a: b: c\n",
    "? [a]\n: 1\n", "a: *no\n", "a: &x 1\nb: *x\n", "<<: {a: 1}\nb: 2\n", "%YAML 1.1\n---\na: 1\n",
    "a: !foo 1\n", "- a\n- b: 1\n", "defaults:\n", "a: 'x\n", "1: 2\n", "{}\n",
    "defaults: null\nb: 1\n", "# @package\na: 1\n", "#@package foo\na: 1\n",
    "# @package foo bar\na: 1\n", "a: 1\n# @package foo\n", "b: 1\n...\n",
    "# @package _global_ \na: ???\n", "a: <<\n", "a: =\n", "# comment\n# @package foo\na: 1\n",
    "defaults:\n- _self_\n- _self_\na: 1\n", "defaults:\n- ../model/one\na: 1\n",
    "defaults:\n- engine: one\na: 1\n", "defaults:\n- engine/one\na: 1\n",
    "defaults:\n- /model@x: one\n- _self_\na: 1\n",
]
VALUES = [
    "1", "-1", "1.5", "1e3", "1_000", "010", "inf", "nan", "true", "False", "null", "NULL", "text",
    "two words", "'quoted'", "\"double\"", "'a,b'", "'it\\'s'", "\"a\\\\b\"", "", "???", "a:b",
    "a/b", "x@y", "a\\,b", "a\\ b", "\\ lead", "trail\\ ", "${a}", "${db.a}", "pre${a}post",
    "${oc.env:PORT}", "${oc.select:b,3}", "a\\=b", "a%b", "*", "x+y", "-", "+", "1:30", "yes",
    "0x10", ".5", "5.", "1e400", "-inf", "-nan", "[]", "[1,2]", "[a, b ]", "[[1],[2,[3]]]",
    "['a',\"b\"]", "[${a},x]", "[a:b]", "{}", "{a:1}", "{a:1,b:{c:2}}", "{a:[1,{b:c}]}",
    "{a: 1 , b : x y}", "int(3.7)", "float(3)", "float('1e3')", "str(1)", "bool(1)",
    "bool('false')", "str(${a})", "float({a:1})", "str('a')", "int(1e3)", "a\tb", "'${a}'",
    "int('12')",
]
ODD_VALUES = [
    "[1,,2]", "[1", "{a:b:c}", "int(x)", "bool(maybe)", "int(1,2)", "int()", "json_str({a:1})",
    "extend_list(1,2)", "nope(1)", "str (1)", "bool(null)", "f(x)", "(a)", "a(b", "a)b", "'open",
    "\"open", "a'b", "{a:1", "[1]]", "\\", "a\\b", "#", "a#b", "&x", "!x", "a;b", "<x>", "`x`",
    "^", "'\\${a}'", "\\${a}", "${a", "}", "]", "a b,c", "a=b", "float(inf)", "int([1,'2'])", "$a",
    "{a}", "{1:2,true:x,null:y,1.5:z}", "a,", "a:b:c", "k={a}", "${a:b", "${oc.env:'x", "[a",
    "{a:}", "{:a}", "''", "' '", "a\\'b", "a\\\\'", "'a\\\\'", "\"\\\"\"", "${oc.env:PORT", "${}",
    "${a}}", "a${b}c d", "1 2", "[ ]", "{ }", "[a b, c]", "x(", "int(int(1.5))", "sort(a)",
    "int(1)x", "x int(1)", "[int(1.5),str(2)]", "{a:int(2.5)}", "[choice(1,2)]", "{a:range(3)}",
    "[1,2],", "null,", "int(${a},1)", "str(x, y)", "float(nan)", "int(nan)", "int(inf)",
    "int(null)", "bool('on')", "bool('y')", "str(null)", "str(1.50)", "str(1e3)", "float(1_0)",
    "str(inf)", "str({a:b,c:[1,'x']})", "bool([0,1.0,'true'])", "float('inf')", "int('0x10')",
    "int('1_000')", "int(' 3 ')", "int('3.5')", "str([1,2.5,null])", "{'q':1}", "int(true)",
    "a=b=c", "1__0", "é",
]
SWEEPS = [
    "1,2", "a,b,c", "1.5,x,null", "[1],[2]", "{a:1},{a:2}", "'a,b',c", "choice(a,b)",
    "choice(1,2,3)", "choice([1,2],[3])", "range(3)", "range(1,4)", "range(0,10,4)",
    "range(1.5,3)", "range(4,1,-1)", "range(0,1,0.25)", "range(start=1,stop=3)", "sort(3,1,2)",
    "sort(b,a)", "sort(3,1,2,reverse=true)", "sort([3,1,2])", "sort(range(3,0,-1))",
    "tag(choice(x))", "choice(a)", "glob(*)", "glob(o*)", "glob([o*,t*])", "glob(*,exclude=x)",
    "int(1.5,2.5)", "str(range(3))", "float(choice(1,2))", "bool(0,1)", "shuffle(7)",
    "shuffle(choice(5))", "range(3,1)", "${a},${b}", "sort(list=[2,1])", "sort(1.5,1)",
    "str([1,2],[3])", "range(2.0)",
]
ODD_SWEEPS = [
    "int(1,a)", "sort(1,a)", "range(a)", "range(0,1,0)", "choice()", "tag(range(3))",
    "tag(t,range(3))", "1,", ",1", "a,,b", "sort(interval(0,1))", "choice(choice(1,2),3)",
    "choice(a=1)", "range(1,stop=3)", "sort('b',a)", "interval(0,1)", "interval(start=1,end=2)",
    "tag(a,b,choice(1,2))", "shuffle([4])", "tag(1)", "tag(choice(1,2),x)", "choice(range(3))",
    "range()", "range(1,2,3,4)", "range(step=1,stop=3)", "glob()", "glob(exclude=x)", "glob(1)",
    "sort()", "sort(choice())", "shuffle()", "range(1e2)", "sort(tag(a,choice(2,1)))",
    "range(1.5)", "int('a',1)", "str(choice(a,'b'))", "choice('a b',c)", "range(-3)", "range(3,0)",
    "range(10,1,-3)", "tag(interval(0,1))", "choice([a],{b:c})", "bool(choice(0,1))",
    "int(interval(0.5,1.5))", "float(interval(1,2))", "sort(reverse=true,2,1)",
    "sort(2,1,reverse=1)", "glob([a],[b])", "sort(null,1)", "sort(true,0)",
]
KEY_FORMS = [
    "a", "b", "c", "x", "y", "lr", "name", "a.b", "b.c", "db.a", "db.b", "db.x", "model.lr",
    "opt.a.b", "x.0", "x.1", "db.x.0", "a.b.c", "foo.a", "foo.bar.x", "new", "new.key",
    "hydra.job.name", "db.engine.a",
]
ODD_KEY_FORMS = [
    "x.-1", "x[0]", "a b", "a-b", "1", "true", "null", "", ".", " a", "a.", "hydra.nope",
    "missing.key", "db/engine.a", "hydra.job.num", "hydra.job.chdir", "a..b", "a.b.", "x[", "x]",
    "a[b]", "a[0].b", "db[a]", "é", "a$b", "a:b", "a@b.c", "hydra", "_a", "a1", "1a", "-a", "a+b",
    "hydra.verbose", "hydra.run.dir", "hydra.sweep.dir", "'a'", "a.'b'", "x.a",
    "hydra.job.env_set.A", "hydra.sweeper.max_batch_size", "hydra.sweeper.params.a",
    "hydra.job.id", "hydra.output_subdir", "hydra.searchpath", "hydra.mode", "hydra.callbacks.x",
    "hydra.runtime.cwd", "hydra.launcher.n_jobs",
]
GROUP_KEYS = [
    "db", "model", "opt", "db/engine", "log", "experiment", "db@foo", "model@db", "opt@foo.bar",
    "db@_global_", "db@db", "/db", "db/", "nogroup", "db@", "db@foo:bar", "@foo", "model@_here_",
    "hydra/launcher", "hydra/job_logging", "db/engine@foo", "db/engine@db.engine", "opt@",
]
# Pieces that are thrown together where a grammar is to be tried.
VALUE_TOKENS = [
    "a", "b1", "1", "1.5", "-", "+", "_", ".", "e3", "true", "null", "inf", "'", "\"", "\\", ",",
    ":", "=", " ", " ", "[", "]", "{", "}", "(", ")", "/", "%", "@", "*", "?", "|", "$", "${a}",
    "${db.x}", "${", "choice(", "range(", "int(", "str(", "sort(", "'x'", "\\,", "\\ ", "[1,2]",
    "{a:1}", "é", "0", "00",
]
INTERPOLATION_TOKENS = [
    "${", "}", "${a}", "a", "b", "x", "db", ".", "..", "[", "]", "0", "1", ":", ",", " ", "'",
    "\"", "\\", "\\${", "oc.select:", "oc.env:PORT", "oc.decode:", "oc.create:", "{a:1}", "[1,2]",
    "null", "true", "1.5", "-", "=", "$", "é", "/", "?",
]
SCALAR_TOKENS = [
    "0", "1", "7", "9", "_", ".", "-", "+", "e", "E", "x", "o", "b", ":", "inf", "nan", "true",
    "null", "~", "yes", "Off", "=", "<<", "y", " ", "#", " #", "'", "\"", "\\n", "\\", "!", "&a",
    "*", "%", "@", "?", ",", "[", "]", "{", "}", "|", ">", "\t", "é", "\u2028", "\x85", "T",
    "2020-01-01", "a",
]
MODES = {
    "job": (40, ["--cfg", "job"]),
    "resolve": (18, ["--cfg", "job", "--resolve"]),
    "package": (5, ["--cfg", "job", "-p"]),
    "overrides": (1, ["--cfg", "hydra", "-p", "hydra.overrides"]),
    "job name": (1, ["--cfg", "hydra", "-p", "hydra.job"]),
    "choices": (2, ["--cfg", "all", "-p", "hydra.runtime.choices"]),
    "defaults": (7, ["--info", "defaults"]),
    "tree": (6, ["--info", "defaults-tree"]),
    "run": (6, ["hydra.run.dir=out"]),
    "multirun": (14, ["-m", "hydra.sweep.dir=out"]),
}


class Case:
    """One random case; a tame one avoids most of what is an error, to get deeper."""

    def __init__(self, random):
        self.random = random
        self.tame = random.random() < 0.65

    def chance(self, share):
        return self.random.random() < share

    def wild(self, share):
        """True seldom, and more seldom in a tame case."""
        return self.random.random() < (share / 12 if self.tame else share)

    def soup(self, tokens):
        return "".join(self.random.choices(tokens, k=self.random.randint(1, 7)))

    def scalar(self):
        if self.chance(0.06):
            # Quoted, so that it is no error of YAML.
            tokens = self.random.choice([SCALAR_TOKENS, INTERPOLATION_TOKENS])
            return "'" + self.soup(tokens).replace("'", "''") + "'"
        if self.wild(0.2):
            return self.soup(SCALAR_TOKENS)
        if self.chance(0.75):
            return self.random.choice(SCALARS)
        return self.random.choice(ODD_INTERPOLATIONS if self.wild(0.3) else INTERPOLATIONS)

    def package(self):
        return self.random.choice(ODD_PACKAGES if self.wild(0.2) else PACKAGES)

    def flow(self, depth=0):
        """A value in one line."""
        roll = self.random.random()
        if depth > 2 or roll < 0.6:
            return quoted(self.scalar())
        if roll < 0.8:
            items = [self.flow(depth + 1) for _ in range(self.random.randint(0, 3))]
            return "[" + ", ".join(items) + "]"
        keys = self.random.sample(KEYS, self.random.randint(0, 3))
        return "{" + ", ".join(f"{key}: {self.flow(depth + 1)}" for key in keys) + "}"

    def body(self, depth=0, indent=""):
        """Lines of a block mapping."""
        lines = []
        for key in self.random.sample(KEYS, self.random.randint(0 if depth else 1, 4)):
            if self.wild(0.04):
                key = self.random.choice(ODD_KEYS)
            roll = self.random.random()
            if depth < 3 and roll < 0.2:
                lines += [f"{indent}{key}:"] + self.body(depth + 1, indent + "  ")
            elif roll < 0.3:
                lines.append(f"{indent}{key}:")
                lines += [f"{indent}- {self.flow()}" for _ in range(self.random.randint(1, 3))]
            elif roll < 0.45:
                lines.append(f"{indent}{key}: {self.flow()}")
            elif roll < 0.47:
                mark = self.random.choice(["|", ">", "|-", ">+", "|2"])
                lines += [f"{indent}{key}: {mark}", f"{indent}  first line",
                          f"{indent}  second", ""]
            elif roll < 0.49:
                lines.append(f"{indent}{key}: &anchor {self.flow()}")
                lines.append(f"{indent}z{key}: *anchor")
            else:
                lines.append(f"{indent}{key}: {plain_or_quoted(self.scalar())}")
        return lines

    def option(self):
        if self.wild(0.25):
            return self.random.choice(ODD_OPTIONS)
        return self.random.choice(OPTIONS[:2] * 3 + ["null", "[one, two]", "[]", "[one]"])

    def odd_default(self, group):
        name = self.random.choice(OPTIONS[:2])
        package = self.package()
        if self.wild(0.3):
            return self.random.choice([
                "nowhere", f"../{name}", "null", "[]", "{}", "{a: b, c: d}", "1", "''",
                f"{group}: 1.5",
                f"{group}:", f"{group}: {{a: 1}}", f"/{name}/{group}: two", name, f"{name}@foo"])
        return self.random.choice([
            f"/{group}/{name}", f"/{group}/{name}@{package}", "/extra", f"optional /{name}",
            "/one", f"/one@{package}",
            f"optional /{group}: nowhere", f"optional {group}: {name}"])

    def default(self, group, inside):
        """One item of a defaults list; `inside`: of an option's, not of the primary config's."""
        if self.chance(0.12):
            return self.odd_default(group)
        absolute = "/" if inside and not self.wild(0.5) else ""
        package = f"@{self.package()}" if self.chance(0.2) else ""
        keyword = ""
        if self.wild(0.4):
            keyword = self.random.choice(["override ", "optional ", "optional override ",
                                          "override optional "])
        return f"{keyword}{absolute}{group}{package}: {self.option()}"

    def config(self, count, groups, inside=True):
        lines = []
        if inside and self.chance(0.12):
            lines.append(f"# @package {self.package()}")
        if count:
            groups = list(groups)
            self.random.shuffle(groups)
            items = [self.default(group, inside) for group in groups[:count]]
            if self.chance(0.3) and items and not inside:
                group = self.random.choice(groups[:count])
                items.append(f"override {group}: {self.option()}")
            if self.chance(0.6):
                items.insert(self.random.randint(0, len(items)), "_self_")
            lines += ["defaults:"] + [f"- {item}" for item in items]
        return "\n".join(lines + self.body()) + "\n"

    def experiment(self):
        lines = ["# @package _global_", "defaults:"]
        for group in self.random.sample(GROUPS[:2], self.random.randint(1, 2)):
            lines.append(f"- override /{group}: {self.random.choice(OPTIONS[:2])}")
        return "\n".join(lines + self.body()) + "\n"

    def tree(self):
        files = {}
        for number, group in enumerate(GROUPS):
            for name in OPTIONS[: self.random.randint(2, 3)]:
                # Only later groups, so that tame trees have no cycles.
                later = GROUPS[number + 1:] if self.tame else GROUPS
                count = self.random.randint(1, 2) if self.chance(0.25) else 0
                files[f"{group}/{name}.yaml"] = self.config(count, later)
        if self.wild(0.2):
            files["db/one.yaml"] = self.random.choice(ODD_FILES)
        files["one.yaml"] = self.config(0, [])
        files["extra.yaml"] = self.config(self.random.randint(0, 1), GROUPS[3:])
        files["experiment/one.yaml"] = self.experiment()
        files["experiment/two.yaml"] = self.experiment()
        if self.chance(0.7 if self.tame else 0.3):
            files["config.yaml"] = "\n".join(
                ["defaults:", "- db: one", "- model: two", "- _self_"] + self.body()) + "\n"
        else:
            files["config.yaml"] = self.config(self.random.randint(0, 4), GROUPS, inside=False)
        return files

    def mistyped(self, text):
        """One small change of a text."""
        at = self.random.randint(0, len(text))
        if self.chance(0.5):
            return text[:at] + self.random.choice("'\"\\{}[]():,=@+~ .$#%/*|") + text[at:]
        return text[:at] + text[at + 1:]

    def override(self, multirun, known):
        """`known`: keys that the primary config has."""
        shares = [15, 20, 62, 3] if self.tame else [40, 25, 25, 10]
        prefix = self.random.choices(["", "+", "++", "~"], shares)[0]
        if self.chance(0.3):
            usual = ["db", "model", "experiment", "db/engine@foo"]
            key = self.random.choice(GROUP_KEYS if self.wild(0.6) else usual)
            value = self.option().replace(" ", "")
            if self.tame and value in ("null", "[]"):
                value = "one,two" if multirun else "two"
            if self.tame:
                prefix = "+" if key in ("experiment", "db/engine@foo") else ""
        else:
            key = self.random.choice(ODD_KEY_FORMS if self.wild(0.3) else KEY_FORMS)
            value = self.random.choice(ODD_VALUES if self.wild(0.5) else VALUES)
            if self.chance(0.2):
                value = self.soup(VALUE_TOKENS)
        is_group = self.tame and ("/" in key or key in ("db", "model", "experiment"))
        if not is_group and self.chance(0.6) if multirun else self.wild(0.1):
            value = self.random.choice(ODD_SWEEPS if self.wild(0.4) else SWEEPS)
        if self.tame and prefix in ("", "~"):
            if "db" not in key and key not in ("model", "experiment"):
                key = self.random.choice(known or ["a"])
        if prefix == "~" and self.chance(0.7):
            return "~" + key
        line = f"{prefix}{key}={value}"
        return self.mistyped(line) if self.wild(0.12) else line

    def make(self):
        name = self.random.choice(["db/one", "nowhere", "extra"]) if self.wild(0.05) else "config"
        mode = self.random.choices(list(MODES), [w for w, _ in MODES.values()])[0]
        argv = ["-cn", name] + MODES[mode][1]
        if mode == "package":
            argv.append(self.random.choice(["db", "a", "foo.bar", "model.a", "x.0", "none",
                                            "_global_", "db.x"]))
        count = self.random.choices([0, 1, 2, 3, 4], [10, 35, 30, 15, 10])[0]
        files = self.tree()
        known = re.findall(r"(?m)^(?!defaults|zz?)(\w+):", files["config.yaml"])
        argv += [self.override(mode == "multirun", known) for _ in range(count)]
        return {"files": files, "argv": argv,
                "env": {"USER_NAME": "ann", "PORT": "80", "NOT_SET": None}}


def plain_or_quoted(text):
    """A value of a block: quoted where the plain text would be an error of YAML."""
    if text[:1] in ("'", '"'):
        return text
    ends_plain = ": " in text or " #" in text or text[:1] in ("%", "@", "`")
    return quoted(text) if ends_plain and text[0] not in "'\"" else text


def quoted(text):
    """Quotes what YAML cannot hold in a flow collection, in YAML's way."""
    special = any(c in text for c in ",[]{}#&*!|>%@`") or ": " in text
    special = special or text[:1] in ("?", "-", "=")
    if text == "???":
        return "'???'"
    if text == "" or text.startswith(("'", '"', "!!")) or not special or text[1:2].isdigit():
        return text or "''"
    return "'" + text.replace("'", "''") + "'"


def random_case(random):
    return Case(random).make()
