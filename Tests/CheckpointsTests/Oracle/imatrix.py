"""Importance matrices by the gguf package: writes the one that the tests read, or reads one that this program wrote.

Usage: python imatrix.py              writes ../Fixtures/imatrix.gguf
       python imatrix.py FILE.gguf    prints what the package reads in it, as JSON
"""

import json
import pathlib
import sys

import gguf
import numpy as np


def write(path):
    writer = gguf.GGUFWriter(str(path), "")
    writer.add_key_value("general.type", "imatrix", gguf.GGUFValueType.STRING)
    writer.add_key_value("imatrix.datasets", ["a.txt", "b.txt"], gguf.GGUFValueType.ARRAY, gguf.GGUFValueType.STRING)
    writer.add_key_value("imatrix.chunk_count", 3, gguf.GGUFValueType.UINT32)
    writer.add_key_value("imatrix.chunk_size", 512, gguf.GGUFValueType.UINT32)
    for name, matrices, width in [("blk.0.attn_q.weight", 1, 8), ("blk.0.ffn_down_exps.weight", 3, 5)]:
        sums = (np.arange(matrices * width, dtype=np.float32) + 0.25).reshape(matrices, width)
        writer.add_tensor(f"{name}.in_sum2", sums)
        writer.add_tensor(f"{name}.counts", np.array([[1536.0]] * matrices, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def read(path):
    reader = gguf.GGUFReader(path)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    tensors = {
        tensor.name: {"shape": [int(n) for n in tensor.shape], "values": [float(v) for v in tensor.data.reshape(-1)]}
        for tensor in reader.tensors
    }
    print(json.dumps({"fields": fields, "tensors": tensors}, indent=1))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        read(sys.argv[1])
    else:
        write(pathlib.Path(__file__).parent.parent / "Fixtures" / "imatrix.gguf")
