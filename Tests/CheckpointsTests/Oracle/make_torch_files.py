"""Writes the small files by torch.save that TorchFileTests reads, and torch's own reading of them (expected.json).

usage: python make_torch_files.py   (torch 2.x; files go to ../Fixtures/torch)
"""

import argparse
import collections
import io
import json
import os
import pathlib
import zipfile

import torch

here = pathlib.Path(__file__).resolve().parent.parent / "Fixtures" / "torch"
here.mkdir(parents=True, exist_ok=True)
expected = {}


def hexadecimal(tensor):
    flat = tensor.detach().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes().hex() if flat.numel() else ""


def record(name, tensors):
    expected[name] = [
        {"name": key, "dtype": str(t.dtype).replace("torch.", ""), "shape": list(t.shape), "bytes": hexadecimal(t)}
        for key, t in tensors.items()
    ]


def numbers(*shape, start=0.0, step=0.125):
    count = int(torch.tensor(shape).prod()) if shape else 1
    return (start + step * torch.arange(count, dtype=torch.float32)).reshape(shape)


# A two-row classifier as the published probes are: h is what was learned, n the noise of the start; saved from a GPU.
width = 16
h = numbers(width, start=-0.9, step=0.121)
n = 0.05 * torch.cos(torch.arange(width, dtype=torch.float32))
probe = collections.OrderedDict()
probe["mlp.weight"] = torch.stack([n - h, n + h])
probe["mlp.bias"] = torch.tensor([0.25, -0.5])
tag = torch.serialization.location_tag
torch.serialization.location_tag = lambda storage: "cuda:0"
torch.save(probe, here / "probe.pt")
torch.serialization.location_tag = tag
record("probe.pt", probe)

# Every type and every kind of view.
base = numbers(6, 4)
tensors = {
    "f64": numbers(3).double(), "f32": base, "f16": numbers(5).half(), "bf16": numbers(2, 3).bfloat16(),
    "i64": torch.tensor([-1, 2**40]), "i32": torch.tensor([-7, 7], dtype=torch.int32),
    "i16": torch.tensor([-300, 300], dtype=torch.int16), "i8": torch.tensor([-128, 127], dtype=torch.int8),
    "u8": torch.tensor([0, 255], dtype=torch.uint8), "bool": torch.tensor([True, False, True]),
    "u16": torch.tensor([1, 65535], dtype=torch.uint16), "u32": torch.tensor([1, 2**32 - 1], dtype=torch.uint32),
    "f8e4m3": numbers(4, start=-1.0, step=0.5).to(torch.float8_e4m3fn),
    "f8e5m2": numbers(4, start=-1.0, step=0.5).to(torch.float8_e5m2),
    "shared": base, "transposed": base.t(), "slice": base[2:4], "column": base[:, 1], "steps": base[::2, ::3],
    "scalar": torch.tensor(2.5), "empty": torch.zeros(0, 3), "ones": torch.ones(1, 1, 2),
    "parameter": torch.nn.Parameter(numbers(2, 2, start=9.0)),
}
torch.save(tensors, here / "views.pt")
record("views.pt", tensors)

# A module's state dict carries _metadata.
module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2))
with torch.no_grad():
    for index, parameter in enumerate(module.parameters()):
        parameter.copy_(numbers(*parameter.shape, start=float(index)))
torch.save(module.state_dict(), here / "module.pt")
record("module.pt", module.state_dict())

# A training checkpoint keeps its state dict under a key.
torch.save({"epoch": 3, "loss": 0.5, "model": module.state_dict(), "note": None}, here / "training.pt")
record("training.pt", module.state_dict())

# Two shards with an index.
shards = {"pytorch_model-00001-of-00002.bin": ["f32", "bf16"], "pytorch_model-00002-of-00002.bin": ["transposed", "i64"]}
for file, keys in shards.items():
    torch.save({key: tensors[key] for key in keys}, here / file)
    record(file, {key: tensors[key] for key in keys})
index = {"metadata": {"total_size": 0}, "weight_map": {key: file for file, keys in shards.items() for key in keys}}
(here / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=2) + "\n")

# What is refused.
torch.save(probe, here / "legacy.pt", _use_new_zipfile_serialization=False)
torch.save({"args": argparse.Namespace(lr=1), "w": numbers(2)}, here / "namespace.pt")


class Evil:
    def __reduce__(self):
        return os.system, ("echo this must not run",)


torch.save({"w": numbers(2), "x": Evil()}, here / "system.pt")
with zipfile.ZipFile(here / "probe.pt") as source:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            target.writestr(info.filename, source.read(info.filename))
(here / "deflated.pt").write_bytes(buffer.getvalue())

(here / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
print(sum(f.stat().st_size for f in here.iterdir()), "bytes in", here)
