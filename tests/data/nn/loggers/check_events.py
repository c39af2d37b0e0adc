"""Reads what tests/nn/loggers_tensorboard_test.cpp writes with TensorBoard itself.

    IOLAUS_EVENT_FOLDER=/tmp/events build/cpu/tests/test_nn -tc="a run's events*"
    python tests/data/nn/loggers/check_events.py /tmp/events

Needs tensorboard, numpy and pillow; prints what it found, and fails on a difference.
"""

import io
import pathlib
import sys

import numpy as np
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

(folder,) = pathlib.Path(sys.argv[1]).glob("tensorboard/version_*")
events = EventAccumulator(str(folder), size_guidance={"histograms": 0})
events.Reload()
print(events.Tags())

loss = [(e.step, e.value) for e in events.Scalars("train/loss")]
assert loss == [(s, float(np.float32(1 / (1 + s)))) for s in (0, 50, 100)], loss

(histogram,) = events.Histograms("weights")
values = np.array([((i * 37) % 101 - 50) / 8 for i in range(200)])
h = histogram.histogram_value
assert (h.min, h.max, h.num, h.sum) == (values.min(), values.max(), 200, values.sum())
assert sum(h.bucket) == 200

(image,) = events.Images("picture")
assert (image.step, image.width, image.height) == (100, 2, 2)
pixels = np.asarray(Image.open(io.BytesIO(image.encoded_image_string)))
assert pixels.tolist() == [[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], pixels

(note,) = events.Tensors("note/text_summary")
assert note.tensor_proto.string_val[0] == b"# Iolaus"

graph = {n.name: n for n in events.Graph().node}
conv = graph["Sequential/Conv2d[0]/conv2d"]
assert list(conv.input) == ["input/x", "Sequential/Conv2d[0]/weight", "Sequential/Conv2d[0]/bias"]
assert [d.size for d in conv.attr["_output_shapes"].list.shape[0].dim] == [4, 2, 4, 4]
assert all(i in graph for n in graph.values() for i in n.input)
assert "output/y" in graph

found = events.summary_metadata
start = metadata.parse_session_start_info_plugin_data(
    found[metadata.SESSION_START_INFO_TAG].plugin_data.content)
values = {k: v.number_value or v.string_value for k, v in start.hparams.items()}
assert values == {"model/width": 64, "model/name": "lenet", "lr": 0.5, "layers": "[1, 2]"}, values
assert start.start_time_secs > 1.7e9
end = metadata.parse_session_end_info_plugin_data(
    found[metadata.SESSION_END_INFO_TAG].plugin_data.content)
assert end.status == 1 and end.end_time_secs >= start.start_time_secs
experiment = metadata.parse_experiment_plugin_data(
    found[metadata.EXPERIMENT_TAG].plugin_data.content)
assert [m.name.tag for m in experiment.metric_infos] == ["hp_metric"]
print("TensorBoard reads all of it")
