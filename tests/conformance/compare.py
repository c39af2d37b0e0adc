"""What `run` and `differential` share: which differences between two outcomes count."""

import os
import re

HINT = "Set the environment variable HYDRA_FULL_ERROR=1 for a complete stack trace."
# Lines that quote the reference's parser generator, its web site or class names.
NOT_OURS = re.compile(
    r"mismatched input|no viable alternative|extraneous input|token recognition error"
    r"|^missing .* at |^See https?://|^[\s^~]+$|^\s*(reference_type|object_type)="
)


def normal(text, places, table):
    """The text without what differs from one run or machine to the next."""
    for real, name in places:
        text = text.replace(real, name)
    text = re.sub(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\]", "[$TIME]", text)
    text = re.sub(r"(?m)^( *version: ).*(\n *version_base: )", r"\1$VERSION\2", text)
    text = re.sub(r"\n+(\[\$TIME\])", r"\n\1", text)
    if table:
        text = re.sub(r" {2,}", " ", re.sub(r"-{4,}", "----", text))
    lines = [line for line in text.split("\n") if line.strip() != HINT]
    while lines and not lines[-1].strip():
        lines.pop()
    return "".join(line + "\n" for line in lines)


def says(want, got):
    """All lines of want are in got, in that order."""
    keep = [x.strip() for x in want.split("\n") if x.strip() and not NOT_OURS.search(x)]
    lines = iter([x.strip() for x in got.split("\n")])
    return bool(got) and all(line in lines for line in keep)


def environment(changes):
    """An environment in which neither side's habits depend on the user's."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("HYDRA_", "IOLAUS_TEST"))}
    env.update(LC_ALL="C.UTF-8", TZ="UTC", COLUMNS="80", PYTHONWARNINGS="ignore")
    for name, value in changes.items():
        env.pop(name, None)
        if value is not None:
            env[name] = value
    return env


def write_tree(top, files):
    os.makedirs(top, exist_ok=True)
    for name, text in files.items():
        path = os.path.join(top, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)


def listing(top):
    return sorted(os.path.relpath(os.path.join(d, f), top) for d, _, fs in os.walk(top) for f in fs)
