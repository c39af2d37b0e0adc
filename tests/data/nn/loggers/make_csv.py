"""Makes csv.json: calls of Lightning's CSVLogger, and metrics.csv after each of them.

Run with a Python that has pytorch_lightning: python tests/data/nn/loggers/make_csv.py
"""

import json
import pathlib
import tempfile

import pytorch_lightning as pl
from pytorch_lightning.loggers import CSVLogger

CALLS = [
    (9, {"epoch": 0, "train/loss": 0.6931471824645996, "lr-SGD": 0.1}),
    (49, {"epoch": 0, "train/loss": 0.30000001192092896, "lr-SGD": 1e-05}),
    (49, {"epoch": 0, "val/acc": 1.0, "a, quoted \"name\"": 1e16}),
    (60, {"epoch": 1, "train/loss": float("nan")}),
    (99, {"epoch": 1, "train/loss": float("-inf"), "val/acc": 0.9179}),
    (99, {"epoch": 1, "Upper": 123456789.125}),
    (120, {"epoch": 12, "test/acc": 1 / 3}),
    (121, {"epoch": 12, "test/acc": 5e-324}),
]


def run(prefix):
    with tempfile.TemporaryDirectory() as folder:
        logger = CSVLogger(folder, name="run", prefix=prefix, flush_logs_every_n_steps=50)
        path = pathlib.Path(folder, "run", "version_0", "metrics.csv")
        after = []

        def note():
            after.append(path.read_bytes().decode() if path.exists() else None)

        for step, metrics in CALLS:
            logger.log_metrics(dict(metrics), step)
            note()
        logger.finalize("success")
        note()
        return after


out = {"lightning": pl.__version__,
       "calls": [{"step": s, "metrics": {k: str(v) for k, v in m.items()}} for s, m in CALLS],
       "plain": run(""), "prefixed": run("my")}
pathlib.Path(__file__).with_name("csv.json").write_text(json.dumps(out, indent=0) + "\n")
