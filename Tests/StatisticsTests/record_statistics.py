"""Records Fixtures/statistics.json: what scikit-learn, SciPy and NumPy say about one seeded sample.

Usage: python record_statistics.py   (scikit-learn, scipy, numpy)
"""

import json
import pathlib

import numpy as np
from scipy import stats
from sklearn import metrics

rng = np.random.default_rng(20260101)
n = 240
label = rng.random(n) < 0.35
logit = np.round(rng.normal(size=n) * 2 + label * 1.5 - 0.5, 2)  # rounding makes ties
probability = 1 / (1 + np.exp(-logit))
weight = rng.integers(0, 4, n)
other = np.round(0.6 * logit + rng.normal(size=n), 1)


def ece(confidence, outcome, bins, mass):
    """Guo et al.'s definition written with NumPy alone; equal-mass bins by rank (no ties are cut here)."""
    total = 0.0
    if mass:
        parts = np.array_split(np.argsort(confidence, kind="stable"), bins)
    else:
        edges = np.linspace(0, 1, bins + 1)
        parts = [np.where((confidence > a) & (confidence <= b))[0] for a, b in zip(edges[:-1], edges[1:])]
    for part in parts:
        if len(part):
            total += len(part) / len(confidence) * abs(confidence[part].mean() - outcome[part].mean())
    return float(total)


def aurc(confidence, correct):
    order = np.argsort(-confidence, kind="stable")
    wrong = ~correct[order]
    return float((np.cumsum(wrong) / np.arange(1, len(wrong) + 1)).mean())


distinct = rng.permutation(n) / n + 0.001  # confidences without ties
correct = rng.random(n) < distinct
fpr, tpr, _ = metrics.roc_curve(label, logit, drop_intermediate=False)
b, c = 9, 21
binom = stats.binom(b + c, 0.5)
counts = rng.integers(0, 30, 7)
differences = np.round(rng.normal(size=11) + 0.6, 2)
exact = stats.permutation_test(
    (differences,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
)

out = {
    "label": [bool(x) for x in label],
    "logit": logit.tolist(),
    "weight": [float(x) for x in weight],
    "other": other.tolist(),
    "distinct": distinct.tolist(),
    "correct": [bool(x) for x in correct],
    "counts": [float(x) for x in counts],
    "differences": differences.tolist(),
    "expected": {
        "auroc": metrics.roc_auc_score(label, logit),
        "auroc_weighted": metrics.roc_auc_score(label, logit, sample_weight=weight),
        "accuracy": metrics.accuracy_score(label, logit > 0),
        "balanced_accuracy": metrics.balanced_accuracy_score(label, logit > 0),
        "balanced_accuracy_weighted": metrics.balanced_accuracy_score(label, logit > 0, sample_weight=weight),
        "precision": metrics.precision_score(label, logit > 0),
        "recall_at_5_percent": float(tpr[fpr <= 0.05].max()),
        "log_loss": metrics.log_loss(label, probability),
        "log_loss_weighted": metrics.log_loss(label, probability, sample_weight=weight),
        "brier": metrics.brier_score_loss(label, probability),
        "ece_width_15": ece(probability, label, 15, False),
        "ece_width_10": ece(probability, label, 10, False),
        "ece_mass_15": ece(distinct, correct, 15, True),
        "aurc": aurc(distinct, correct),
        "mcnemar_exact": float(min(1, 2 * binom.cdf(min(b, c)))),
        "mcnemar_mid": float(2 * binom.cdf(min(b, c)) - binom.pmf(min(b, c))),
        "pearson": float(stats.pearsonr(logit, other)[0]),
        "spearman": float(stats.spearmanr(logit, other)[0]),
        "entropy": float(stats.entropy(counts)),
        "permutation_p": float(exact.pvalue),
        "quantile_0.1": float(np.quantile(other, 0.1)),
        "quantile_0.975": float(np.quantile(other, 0.975)),
        "standard_error": float(stats.sem(other)),
        "wilson_9_40": [
            float(x) for x in stats.binomtest(9, 40).proportion_ci(confidence_level=0.9, method="wilson")
        ],
    },
}
path = pathlib.Path(__file__).parent / "Fixtures" / "statistics.json"
path.write_text(json.dumps(out, indent=None, separators=(",", ":")) + "\n")
