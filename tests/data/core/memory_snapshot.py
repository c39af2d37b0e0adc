"""Writes memory_snapshot.bin: the pickle of a snapshot in the format of
torch.cuda.memory._snapshot, of the same content as tests/core/allocator/history_test.cpp makes.
Run: python3 tests/data/core/memory_snapshot.py"""
import pathlib
import pickle


def op(name):
    return [{"filename": "op", "line": 0, "name": name}]


softmax, linear = op("softmax"), op("linear")
none = []


def block(address, size, requested, state, frames):
    return {"address": address, "size": size, "requested_size": requested, "state": state,
            "frames": frames}


def event(action, addr, size, stream, time_us, frames, key="addr"):
    return {"action": action, key: addr, "size": size, "stream": stream, "time_us": time_us,
            "frames": frames}


value = {
    "segments": [
        {"device": 0, "address": 0x7F0000000000, "total_size": 2097152, "allocated_size": 1024,
         "active_size": 1536, "requested_size": 1101, "stream": 0, "segment_type": "small",
         "segment_pool_id": [0, 0], "is_expandable": False, "frames": [],
         "blocks": [
             block(0x7F0000000000, 1024, 1000, "active_allocated", softmax),
             block(0x7F0000000400, 512, 101, "active_pending_free", linear),
             block(0x7F0000000600, 2095616, 0, "inactive", []),
         ]},
        {"device": 1, "address": 0x7F1000000000, "total_size": 20971520,
         "allocated_size": 20971520, "active_size": 20971520, "requested_size": 20971520,
         "stream": 16, "segment_type": "large", "segment_pool_id": [0, 3], "is_expandable": True,
         "frames": [],
         "blocks": [block(0x7F1000000000, 20971520, 20971520, "active_allocated", [])]},
    ],
    "device_traces": [
        [
            event("segment_alloc", 0x7F0000000000, 2097152, 0, 1700000000000000, softmax),
            event("alloc", 0x7F0000000000, 1024, 0, 1700000000000001, softmax),
            event("free_requested", 0x7F0000000400, 512, 0, 1700000000000002, linear),
            event("oom", 12345678, 99999999999, 0, 1700000000000003, [], "device_free"),
        ],
        [],
    ],
    "allocator_settings": {
        "IOLAUS_CUDA_ALLOC_CONF": "expandable_segments:True",
        "expandable_segments": True,
    },
}
if __name__ == "__main__":
    pathlib.Path(__file__).with_name("memory_snapshot.bin").write_bytes(
        pickle.dumps(value, protocol=2))
