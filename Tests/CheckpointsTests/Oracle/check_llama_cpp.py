"""Whether llama.cpp takes an exported control vector, and whether it then computes what adding the direction means.

    python check_llama_cpp.py --surgeon .build/debug/surgeon --llama-cpp LLAMA_CPP_SOURCES [-o llama_cpp.json]

Needs llama_cpp (llama-cpp-python; its source archive holds llama.cpp's sources, whose converter is used) beside what
check_elsewhere.py needs. For each family a tiny random checkpoint is converted to GGUF in f32 by llama.cpp's own
converter (without a vocabulary: ids go in). surgeon trains a probe at blocks.1.output and exports it; the file is read
as llama.cpp's programs read it and applied through its C interface. Compared, as the largest |difference| over the
largest |logit|:

- base: llama.cpp on the base with transformers (how far the two agree without any vector);
- vector: llama.cpp with the vector with transformers where the direction is added to block 1's output;
- effect: how far the vector moves the logits.
"""

import argparse
import ctypes
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import gguf
import llama_cpp
import numpy
import torch

sys.path.insert(0, str(Path(__file__).parent))
import check_elsewhere as elsewhere

CONVERT = """
import sys
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/gguf-py"]
sys.argv[:2] = ["convert"]
import convert_hf_to_gguf as program
from conversion import ModelBase
read = ModelBase.load_hparams
def with_older_keys(*words):
    # The converter asks for keys that newer transformers no longer has.
    config = read(*words)
    if config["model_type"] == "gpt2":
        config["n_ctx"] = config["n_positions"]
    if config["model_type"] == "gpt_neox":
        config["rotary_pct"] = config["rope_parameters"]["partial_rotary_factor"]
    return config
ModelBase.load_hparams = staticmethod(with_older_keys)
find = program.get_model_class
def without_vocabulary(*words, **named):
    kind = find(*words, **named)
    kind.set_vocab = lambda self: (self._set_vocab_none(), self.gguf_writer.add_vocab_size(self.hparams["vocab_size"]))[0]
    return kind
program.get_model_class = without_vocabulary
program.main()
"""


def convert(sources, folder, to):
    ended = subprocess.run([sys.executable, "-c", CONVERT, str(sources), str(folder), "--outfile", str(to), "--outtype", "f32"],
                           capture_output=True, text=True)
    if ended.returncode != 0:
        raise RuntimeError("the converter: " + ended.stderr.strip().splitlines()[-1])


def control_vector(path):
    """Numbers [blocks − 1, D] end to end from block 1 on, as llama.cpp's programs lay them out, and D."""
    width, values = -1, numpy.zeros(0, numpy.float32)
    for tensor in gguf.GGUFReader(str(path)).tensors:
        kind, block = tensor.name.split(".")
        assert kind == "direction" and int(block) >= 1 and tensor.tensor_type == gguf.GGMLQuantizationType.F32
        assert width in (-1, tensor.n_elements)
        width = int(tensor.n_elements)
        if values.size < width * int(block):
            values = numpy.concatenate([values, numpy.zeros(width * int(block) - values.size, numpy.float32)])
        values[width * (int(block) - 1):width * int(block)] += tensor.data
    return values, width


class LlamaCpp:
    """A GGUF model in f32 on the processor, keys and values in f32 too."""

    def __init__(self, path):
        quiet = llama_cpp.llama_log_callback(lambda level, text, data: None)
        llama_cpp.llama_log_set(quiet, None)
        self.quiet = quiet
        settings = llama_cpp.llama_model_default_params()
        settings.n_gpu_layers = 0
        self.model = llama_cpp.llama_model_load_from_file(str(path).encode(), settings)
        if not self.model:
            raise RuntimeError("llama.cpp does not load the converted base")

    def logits(self, ids, vector=None):
        settings = llama_cpp.llama_context_default_params()
        settings.n_ctx = settings.n_batch = settings.n_ubatch = 64
        settings.type_k = settings.type_v = 0  # f32
        settings.flash_attn_type = 0  # off
        settings.n_threads = settings.n_threads_batch = 1
        context = llama_cpp.llama_init_from_model(self.model, settings)
        if vector is not None:
            values, width = vector
            pointer = values.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
            code = llama_cpp.llama_set_adapter_cvec(context, pointer, values.size, width, 1, elsewhere.BLOCKS)
            if code != 0:
                raise RuntimeError(f"llama_set_adapter_cvec gives {code}")
        batch = llama_cpp.llama_batch_init(len(ids), 0, 1)
        batch.n_tokens = len(ids)
        for i, token in enumerate(ids):
            batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.seq_id[i][0], batch.logits[i] = token, i, 1, 0, 1
        if llama_cpp.llama_decode(context, batch) != 0:
            raise RuntimeError("llama_decode fails")
        count = len(ids) * elsewhere.VOCABULARY
        result = numpy.ctypeslib.as_array(llama_cpp.llama_get_logits(context), (count,)).copy()
        llama_cpp.llama_batch_free(batch)
        llama_cpp.llama_free(context)
        return torch.tensor(result.reshape(len(ids), elsewhere.VOCABULARY)).double()


def difference(a, b):
    return float((a - b).abs().max() / b.abs().max())


def check(family, program, sources):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        surgeon = elsewhere.Surgeon(program, folder)
        elsewhere.make(family, folder / "base")
        elsewhere.probe(folder, "base")
        surgeon("probe", "train", "base", "-f", "texts.jsonl", "--sites", "blocks.1.output", "--pooling", "mean",
                "--permutations", "0", "-o", "probe")
        surgeon("probe", "export", "--probe", "probe", "--strength", "3", "-o", "vector.gguf")
        convert(sources, folder / "base", folder / "base.gguf")
        other = LlamaCpp(folder / "base.gguf")
        vector = control_vector(folder / "vector.gguf")
        model = elsewhere.load(folder / "base")
        base = elsewhere.logits(model)
        inner = model.get_decoder() if hasattr(model, "get_decoder") else model.base_model
        block = (inner.h if family == "gpt2" else inner.layers)[1]
        direction = torch.tensor(vector[0][:vector[1]])

        def add(module, inputs, output):
            return (output[0] + direction, *output[1:]) if isinstance(output, tuple) else output + direction

        block.register_forward_hook(add)
        moved = elsewhere.logits(model)
        ids = elsewhere.IDS.tolist()
        return {
            "base": max(difference(other.logits(row), base[i]) for i, row in enumerate(ids)),
            "vector": max(difference(other.logits(row, vector), moved[i]) for i, row in enumerate(ids)),
            "effect": difference(moved, base),
        }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--surgeon", required=True)
    parser.add_argument("--llama-cpp", required=True, help="a folder of llama.cpp's sources, for its converter")
    parser.add_argument("--families", default=",".join(elsewhere.FAMILIES))
    parser.add_argument("-o", default=str(Path(__file__).parent / "llama_cpp.json"))
    options = parser.parse_args()
    program, sources = str(Path(options.surgeon).resolve()), Path(options.llama_cpp).resolve()
    outcome = {"llama_cpp_python": llama_cpp.__version__, "transformers": elsewhere.transformers.__version__, "families": {}}
    for family in options.families.split(","):
        try:
            outcome["families"][family] = check(family, program, sources)
        except Exception as error:  # recorded, not hidden
            outcome["families"][family] = {"error": f"{type(error).__name__}: {str(error)[:400]}"}
        print(family, json.dumps(outcome["families"][family]))
    Path(options.o).write_text(json.dumps(outcome, indent=1) + "\n")


if __name__ == "__main__":
    main()
