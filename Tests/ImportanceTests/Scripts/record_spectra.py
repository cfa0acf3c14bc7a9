"""Records ../Fixtures/spectra.json: what the weightwatcher package says about seeded matrices.

Usage: python record_spectra.py [STORIES260K_FOLDER]   (weightwatcher 0.7.7, torch, numpy, safetensors)

The matrices are a function of a seed (see `entries`), so that only the answers are stored; where the folder of
stories260K in Hugging Face layout is given, some of its matrices are recorded as well.
"""

import json
import logging
import pathlib
import sys
import warnings

import numpy as np
import torch

logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")
import weightwatcher  # noqa: E402

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


def mix(z):
    """SplitMix64's finaliser."""
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


class CounterRandom:
    """The program's generator: a function of seed, stream and counter."""

    def __init__(self, seed, stream):
        name = 0xCBF29CE484222325
        for byte in stream.encode():
            name = ((name ^ byte) * 0x100000001B3) & MASK
        self.key = mix(mix((seed + GOLDEN) & MASK) ^ name)
        self.counter = 0

    def uniform(self):
        self.counter += 1
        return (mix((self.key + self.counter * GOLDEN) & MASK) >> 11) * 2.0**-53


def bell(random):
    """Nearly normal, and the same bits everywhere: a sum of twelve uniform numbers."""
    return sum(random.uniform() for _ in range(12)) - 6


def entries(kind, rows, columns):
    """A matrix [rows, columns] in f32."""
    random = CounterRandom(7, kind)
    w = np.empty((rows, columns))
    for i in range(rows):
        for j in range(columns):
            value = bell(random)
            if kind == "heavy":
                value /= random.uniform() + 0.02
            if kind == "decaying":
                value /= 1 + i / 8
            if kind == "spiked":
                value += (i % 3 - 1) * (j % 5 - 2) * 0.5
            if kind == "finger":  # a flat spectrum and one value far above it
                last = rows - 1
                value = (15 if i == last else 1 + 9 * (i + 0.5) / last) ** 0.5 if i == j else 0
            if kind == "repeated" and i >= rows // 2:
                value = w[i - rows // 2, j]
            w[i, j] = value
    return w.astype(np.float32)


def watch(w, **options):
    model = torch.nn.Sequential(torch.nn.Linear(w.shape[1], w.shape[0], bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.from_numpy(np.ascontiguousarray(w)))
    watcher = weightwatcher.WeightWatcher(model=model)
    return watcher.analyze(min_evals=10, plot=False, **options).iloc[0]


def record(name, w):
    row = watch(w)
    keys = ["alpha", "D", "xmin", "sigma", "stable_rank", "entropy", "log_norm", "log_spectral_norm",
            "matrix_rank", "num_evals", "num_pl_spikes", "alpha_weighted", "log_alpha_norm"]
    result = {"name": name, "shape": list(w.shape)}
    result.update({key: float(row[key]) for key in keys})
    clipped = watch(w, fix_fingers="clip_xmax")
    result["fingers"] = int(clipped["num_fingers"])
    result["alpha_without_fingers"] = float(clipped["alpha"])
    # The Hill estimator in its published form (xmin the median), in f64.
    values = np.sort(np.linalg.svd(w.astype(np.float64), compute_uv=False)) ** 2
    values = values[values > 1e-5]
    tail = values[len(values) // 2:]
    result["alpha_hill"] = float(1 + len(tail) / np.log(tail / tail[0]).sum())
    return result


def main():
    here = pathlib.Path(__file__).parent.parent
    shapes = {"bell": (64, 48), "heavy": (96, 160), "spiked": (120, 80), "decaying": (90, 90),
              "finger": (41, 41), "repeated": (60, 90)}
    results = [record(kind, entries(kind, *shape)) for kind, shape in shapes.items()]
    if len(sys.argv) > 1:
        from safetensors.numpy import load_file

        stored = load_file(pathlib.Path(sys.argv[1]) / "model.safetensors")
        for name in ["model.layers.0.self_attn.q_proj.weight", "model.layers.2.mlp.down_proj.weight",
                     "model.layers.4.mlp.gate_proj.weight"]:
            results.append(record(name, stored[name].astype(np.float32)))
    out = here / "Fixtures" / "spectra.json"
    out.write_text(json.dumps({"weightwatcher": weightwatcher.__version__, "matrices": results}, indent=1) + "\n")
    print(f"{out}: {len(results)} matrices")


if __name__ == "__main__":
    main()
