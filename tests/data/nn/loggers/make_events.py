"""Makes events.tfevents: what torch.utils.tensorboard writes for the values in
tests/nn/loggers_tensorboard_test.cpp, with fixed times.

Run with a Python that has torch and tensorboard: python tests/data/nn/loggers/make_events.py
"""

import pathlib
import tempfile

import numpy as np
from tensorboard.compat.proto.attr_value_pb2 import AttrValue
from tensorboard.compat.proto.config_pb2 import RunMetadata
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.node_def_pb2 import NodeDef
from tensorboard.compat.proto.step_stats_pb2 import DeviceStepStats, StepStats
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.versions_pb2 import VersionDef
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams

with tempfile.TemporaryDirectory() as folder:
    writer = SummaryWriter(folder)
    file = writer._get_file_writer()

    writer.add_scalar("train/loss", 0.6931471805599453, 0, walltime=1764119208.25)
    writer.add_scalar("train/loss", float("nan"), 50, walltime=1764119209.5)
    writer.add_scalar("lr-SGD", 0.0, 123456789012, walltime=1764119210.0)
    # Eighths: their sums are exact, in whatever order.
    values = np.array([((i * 37) % 101 - 50) / 8 for i in range(200)])
    writer.add_histogram("weights", values, 7, walltime=1764119211.0)
    writer.add_histogram("one", np.array([-3.5]), 7, walltime=1764119212.0)
    writer.add_histogram("ends", np.array([0.0, 1e-13, -1e-13, 2e20]), 8,
                         walltime=1764119212.5)
    writer.add_text("note", "# Iolaus\nπ", 3, walltime=1764119213.0)
    several = {"model/width": 64, "lr": 0.5, "name": "lenet", "nesterov": True}
    file.add_summary(hparams(several, {"hp_metric": -1})[0], walltime=1764119214.0)
    # One value a message: a map has no order.
    for k, v in several.items():
        file.add_summary(hparams({k: v}, {})[1], walltime=1764119215.0)
    file.add_summary(hparams({}, {})[2], walltime=1764119216.0)

    def shape(*sizes):
        dims = [TensorShapeProto.Dim(size=n) for n in sizes]
        shapes = AttrValue.ListValue(shape=[TensorShapeProto(dim=dims)])
        return {"_output_shapes": AttrValue(list=shapes)}

    nodes = [NodeDef(name="input/x", op="Input", attr=shape(2, 3)),
             NodeDef(name="Net/relu", op="relu", input=["input/x"], attr=shape(2, 3)),
             NodeDef(name="Net/scalar", op="sum", input=["Net/relu", "input/x"], attr=shape())]
    stats = RunMetadata(step_stats=StepStats(dev_stats=[DeviceStepStats(device="/device:CPU:0")]))
    graph = GraphDef(node=nodes, versions=VersionDef(producer=22))
    file.add_graph((graph, stats), walltime=1764119217.0)
    writer.close()
    (path,) = pathlib.Path(folder).glob("events.*")
    pathlib.Path(__file__).with_name("events.tfevents").write_bytes(path.read_bytes())
