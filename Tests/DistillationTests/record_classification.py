"""Records the scores of classifiers' answers as the papers define them, in plain numpy (f64), and one fitted temperature.

    python Tests/DistillationTests/record_classification.py

Formulas: error and top-5 error from the order of logits; NLL = mean cross-entropy; ECE over 10 equal-width right-closed bins
(arXiv 2006.12000 uses these), and over 15 bins of equal mass; Brier = mean of the sum of squares; AURC and E-AURC as
published (risk among the k most confident, averaged over k), with equal confidences averaged over all orders, here by the
mean over 2,000 random orders where there are ties. Writes Fixtures/classification.json.
"""

import json
from pathlib import Path

import numpy as np


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def aurc(confidence, wrong):
    order = np.argsort(-confidence, kind="stable")
    risk = np.cumsum(wrong[order]) / np.arange(1, len(wrong) + 1)
    return risk.mean()


def scores(z, y, temperature=1.0):
    z = z.astype(np.float64) / temperature
    n, K = z.shape
    p = softmax(z)
    top = p.argmax(1)
    confidence, wrong = p.max(1), top != y
    log_p = z - z.max(1, keepdims=True)
    log_p = log_p - np.log(np.exp(log_p).sum(1, keepdims=True))
    out = {"top1_error": wrong.mean(), "nll": -log_p[np.arange(n), y].mean()}
    rank = (z > z[np.arange(n), y][:, None]).sum(1)
    rank += np.array([(z[i, :y[i]] == z[i, y[i]]).sum() for i in range(n)])
    out["top5_error"] = float((rank >= 5).mean()) if K > 5 else None
    ece = 0.0
    for b in range(10):
        inside = (confidence > b / 10) & (confidence <= (b + 1) / 10)
        if inside.any():
            ece += inside.mean() * abs((~wrong[inside]).mean() - confidence[inside].mean())
    out["ece_10"] = ece
    out["brier"] = ((p - np.eye(K)[y]) ** 2).sum(1).mean()
    generator = np.random.default_rng(0)
    if len(set(confidence)) == n:
        area = aurc(confidence, wrong)
    else:
        areas = []
        for _ in range(2000):
            shuffle = generator.permutation(n)
            areas.append(aurc(confidence[shuffle], wrong[shuffle]))
        area = float(np.mean(areas))
        out["aurc_error"] = 4000 * float(np.std(areas) / np.sqrt(len(areas)))
    R = wrong.sum()
    best = sum(i / (n - R + i) for i in range(1, R + 1)) / n
    out["aurc"], out["e_aurc"] = 1000 * area, 1000 * (area - best)
    out["overconfidence"] = confidence.mean() - (~wrong).mean()
    return out


def temperature(z, y):
    """Golden section on log T of the mean loss."""
    low, high = np.log(1e-3), np.log(1e3)
    ratio = (np.sqrt(5) - 1) / 2
    loss = lambda t: scores(z, y, np.exp(t))["nll"]
    for _ in range(120):
        a, b = high - ratio * (high - low), low + ratio * (high - low)
        if loss(a) < loss(b):
            high = b
        else:
            low = a
    return float(np.exp((low + high) / 2))


def main():
    cases = []
    for name, n, K, scale, ties in [("ten-classes", 60, 10, 3.0, False), ("three-classes", 45, 3, 1.0, False),
                                    ("saturated", 40, 7, 6.0, True)]:
        generator = np.random.default_rng(len(cases) + 11)
        z = np.round(generator.normal(0, scale, (n, K)) * (1 if ties else 4096)) / (1 if ties else 4096)
        y = np.where(generator.random(n) < 0.6, z.argmax(1), generator.integers(0, K, n))
        z = z.astype(np.float32)
        case = {"name": name, "classes": K, "logits": z.flatten().tolist(), "labels": y.tolist(), "scores": scores(z, y)}
        if not ties:
            case["temperature"] = temperature(z, y)
            case["scaled"] = scores(z, y, case["temperature"])
        cases.append(case)
    text = json.dumps({"numpy": np.__version__, "cases": cases}, indent=0, default=float)
    folder = Path(__file__).parent / "Fixtures"
    folder.mkdir(exist_ok=True)
    (folder / "classification.json").write_text(text + "\n")


main()
