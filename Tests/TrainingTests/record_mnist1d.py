"""Records a sample of MNIST-1D as the PyPI package `mnist1d` makes it (numpy, scipy; nothing is downloaded).

    python Tests/TrainingTests/record_mnist1d.py FOLDER_OF_THE_UNPACKED_PACKAGE

Writes Fixtures/mnist1d.json: the labels' counts, sums over everything, and some signals."""

import json
import sys
import types
from pathlib import Path

import numpy as np

# What make_dataset needs of the package is its arithmetic; pictures and downloads are not.
for name in ["requests", "matplotlib", "matplotlib.pyplot"]:
    sys.modules.setdefault(name, types.ModuleType(name))
sys.modules["matplotlib"].pyplot = sys.modules["matplotlib.pyplot"]
sys.path.insert(0, sys.argv[1])
from mnist1d.data import get_dataset_args, make_dataset

data = make_dataset(get_dataset_args())
x = np.concatenate([data["x"], data["x_test"]])
y = np.concatenate([data["y"], data["y_test"]])
rows = [0, 1, 2, 17, 1234, 3999, 4000, 4999]
out = {
    "numpy": np.__version__, "count": len(y), "labels": y[:200].tolist(), "label_counts": np.bincount(y).tolist(),
    "sum_of_absolutes": float(np.abs(x).sum()), "row_sums": x.sum(1)[::100].tolist(),
    "rows": {str(r): x[r].tolist() for r in rows},
}
(Path(__file__).parent / "Fixtures").mkdir(exist_ok=True)
(Path(__file__).parent / "Fixtures" / "mnist1d.json").write_text(json.dumps(out) + "\n")
