"""Records what NumPy and PyTorch say of a loss landscape: python record_landscape.py > Fixtures/landscape.json

cka: linear CKA of two tables in the Gram form, biased and unbiased (from kernels that are not centred).
hessian: the explicit Hessian of the mean cross-entropy of a tanh network 3-5-4 in f64, whole and of the kept numbers alone.
"""

import json
import sys

import numpy as np
import torch


def biased(x, y):
    n = len(x)
    h = np.eye(n) - 1 / n
    k, l = h @ x @ x.T @ h, h @ y @ y.T @ h
    return np.sum(k * l) / np.sqrt(np.sum(k * k) * np.sum(l * l))


def hsic(k, l):
    n = len(k)
    k, l = k - np.diag(np.diag(k)), l - np.diag(np.diag(l))
    one = np.ones(n)
    return (
        np.trace(k @ l)
        + (one @ k @ one) * (one @ l @ one) / ((n - 1) * (n - 2))
        - 2 / (n - 2) * (one @ k @ l @ one)
    ) / (n * (n - 3))


def unbiased(x, y):
    k, l = x @ x.T, y @ y.T
    return hsic(k, l) / np.sqrt(hsic(k, k) * hsic(l, l))


def main():
    random = np.random.default_rng(5)
    x = random.normal(size=(12, 3)) + 2
    y = x @ random.normal(size=(3, 4)) + 0.7 * random.normal(size=(12, 4)) - 1
    z = random.normal(size=(12, 2))
    cka = {
        "x": x.ravel().tolist(), "y": y.ravel().tolist(), "z": z.ravel().tolist(),
        "xy": [biased(x, y), unbiased(x, y)], "xz": [biased(x, z), unbiased(x, z)],
    }

    sizes = [(5, 3), (5,), (4, 5), (4,)]
    counts = [int(np.prod(s)) for s in sizes]
    w = torch.tensor(random.normal(size=sum(counts)).astype(np.float32).astype(np.float64))
    inputs = torch.tensor(random.normal(size=(40, 3)).astype(np.float32).astype(np.float64))
    labels = torch.tensor(random.integers(0, 4, size=40))

    def loss(v):
        parts = torch.split(v, counts)
        w1, b1, w2, b2 = [p.reshape(s) for p, s in zip(parts, sizes)]
        return torch.nn.functional.cross_entropy(torch.tanh(inputs @ w1.T + b1) @ w2.T + b2, labels)

    pruned = [0, 4, 7, 22, 30]
    kept = [i for i in range(len(w)) if i not in pruned]
    masked = w.clone()
    masked[pruned] = 0
    result = {"cka": cka, "weights": w.tolist(), "inputs": inputs.ravel().tolist(), "labels": labels.tolist(), "pruned": pruned}
    for name, point, rows in [("whole", w, list(range(len(w)))), ("kept", masked, kept)]:
        h = torch.autograd.functional.hessian(loss, point)[rows][:, rows]
        values = torch.linalg.eigvalsh(h)
        result[name] = {"top": values[-1].item(), "trace": torch.trace(h).item()}
        if name == "whole":
            v = torch.tensor(random.normal(size=len(w)))
            result["vector"] = v.tolist()
            result["product"] = (torch.autograd.functional.hessian(loss, w) @ v).tolist()
    json.dump(result, sys.stdout)


main()
