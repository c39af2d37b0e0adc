"""The reference's side of `differential`, run by a Python that has hydra-core.

Reads requests, one JSON object a line: {"tree", "cwd", "argv", "env"}; answers {"rc"}.  Each case runs
in a child forked from this process, which has imported everything, with its output in the files
`stdout` and `stderr` of the folder "out".  Its application is the one of the conformance suite.
"""

import json
import os
import runpy
import signal
import sys

import hydra  # noqa: F401  imported once, before the forks
import hydra._internal.hydra  # noqa: F401
import hydra.core.override_parser.overrides_visitor  # noqa: F401
import hydra_plugins.hydra_colorlog  # noqa: F401
from hydra.core.plugins import Plugins

APPLICATION = """
import hydra
from omegaconf import OmegaConf

@hydra.main(version_base="1.3", config_path=None)
def main(cfg):
    print(OmegaConf.to_yaml(cfg))

main()
"""


def child(request, application):
    for number, name in ((1, "stdout"), (2, "stderr")):
        target = os.open(os.path.join(request["out"], name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(target, number)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv = [application, "-cp", request["tree"]] + request["argv"]
    signal.alarm(20)
    code = 0
    try:
        runpy.run_path(application, run_name="__main__")
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code & 255)


def main():
    Plugins.instance()  # looks for plugins in all packages, once
    application = os.path.join(sys.argv[1], "compose.py")
    with open(application, "w") as f:
        f.write(APPLICATION)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            child(json.loads(line), application)
        _, status = os.waitpid(pid, 0)
        print(json.dumps({"rc": os.waitstatus_to_exitcode(status)}), flush=True)


main()
