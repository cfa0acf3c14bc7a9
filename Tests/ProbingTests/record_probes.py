"""Records Fixtures/probes.json: what scikit-learn and PyTorch fit on two small data sets.

Usage: python record_probes.py   (scikit-learn, torch, numpy)
"""

import json
import pathlib

import numpy as np
import torch
from sklearn.calibration import _sigmoid_calibration
from sklearn.covariance import ledoit_wolf
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

rng = np.random.default_rng(7)


def data(n, d):
    mix = rng.normal(size=(d, d)) / np.sqrt(d)
    z = rng.normal(size=(n, d)) @ (mix + 0.5 * np.eye(d))
    y = (z @ rng.normal(size=d) + rng.logistic(size=n) > 0.3).astype(int)
    x = z * rng.uniform(0.1, 30, size=d) + rng.normal(size=d) * 20
    x[:, d // 2] = 3.25  # a feature that never changes
    return np.round(x, 3).astype(np.float32), y


def case(n, d, train):
    x, y = data(n, d)
    xt, yt = x[:train].astype(np.float64), y[:train]
    scaler = StandardScaler().fit(xt)
    z = scaler.transform(xt)

    def back(w, b):
        direction = w / scaler.scale_
        return {"direction": direction.tolist(), "bias": float(b - direction @ scaler.mean_)}

    logistic = []
    for c, weight in [(0.01, None), (1.0, None), (100.0, None), (0.5, "balanced")]:
        model = LogisticRegression(C=c, class_weight=weight, tol=1e-12, max_iter=100_000).fit(z, yt)
        loss = np.logaddexp(0, -(2 * yt - 1) * (z @ model.coef_[0] + model.intercept_[0]))
        if weight:
            loss = loss * train / (2 * np.where(yt == 1, yt.sum(), train - yt.sum()))
        objective = loss.mean() + (model.coef_[0] ** 2).sum() / (2 * c * train)
        logistic.append(
            {"c": c, "balanced": weight is not None, "objective": float(objective)}
            | back(model.coef_[0], model.intercept_[0])
        )
    lda = []
    for shrinkage in [0.02, 0.3, 1.0]:
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage).fit(z, yt)
        lda.append({"shrinkage": shrinkage} | back(model.coef_[0], model.intercept_[0]))
    means = [z[yt == k].mean(0) for k in (0, 1)]
    centred = z - np.array(means)[yt]
    covariance, shrinkage = ledoit_wolf(centred, assume_centered=True)
    w = np.linalg.solve(covariance, means[1] - means[0])
    b = np.log(yt.mean() / (1 - yt.mean())) - w @ (means[0] + means[1]) / 2
    difference = xt[yt == 1].mean(0) - xt[yt == 0].mean(0)
    a, offset = _sigmoid_calibration(xt @ difference, yt)
    return {
        "x": [[float(f"{v:.3f}") for v in row] for row in x],
        "y": y.tolist(),
        "train": train,
        "logistic": logistic,
        "lda": lda,
        "ledoit_wolf": {"shrinkage": float(shrinkage)} | back(w, b),
        "means": {"direction": difference.tolist(), "scale": float(-a), "bias": float(-offset)},
    }


def softmax(x, y, steps=40, batch=16):
    layer = torch.nn.Linear(x.shape[1], 2, dtype=torch.float64)
    generator = np.random.default_rng(3)
    with torch.no_grad():
        bound = 1 / np.sqrt(x.shape[1])
        layer.weight.copy_(torch.from_numpy(generator.uniform(-bound, bound, (2, x.shape[1]))))
        layer.bias.copy_(torch.from_numpy(generator.uniform(-bound, bound, 2)))
    start = [layer.weight.detach().flatten().tolist(), layer.bias.detach().tolist()]
    optimiser = torch.optim.Adam(layer.parameters(), lr=1e-3)
    batches = [generator.choice(len(x), batch, replace=False).tolist() for _ in range(steps)]
    losses = []
    for items in batches:
        loss = torch.nn.functional.cross_entropy(
            layer(torch.from_numpy(x[items].astype(np.float64))), torch.from_numpy(y[items])
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    return {
        "start": start,
        "batches": batches,
        "learning_rate": 1e-3,
        "losses": losses,
        "rows": layer.weight.detach().flatten().tolist(),
        "biases": layer.bias.detach().tolist(),
    }


tall, wide = case(160, 10, 110), case(60, 70, 40)
out = {"tall": tall, "wide": wide, "softmax": softmax(np.array(tall["x"], np.float32), np.array(tall["y"]))}
path = pathlib.Path(__file__).parent / "Fixtures" / "probes.json"
path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
