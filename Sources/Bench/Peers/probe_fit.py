"""scikit-learn's logistic regression on the data that `Bench probe --folder` wrote: nine tenths train, C = 1.
Usage: probe_fit.py FOLDER raw|scaled ; env THREADS, RUNS
The objective is mean log-loss + |w|^2 / 2n in f64 over the features that were fitted."""
import json, os, sys, time, warnings
threads = os.environ.get("THREADS", "2")
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = threads
import numpy
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
warnings.filterwarnings("ignore")
folder, how = sys.argv[1], sys.argv[2]
x = numpy.load(folder + "/features.npy")
y = numpy.load(folder + "/labels.npy")[:, 0] > 0.5
n = len(x) * 9 // 10
times = []
for _ in range(int(os.environ.get("RUNS", "3"))):
    start = time.perf_counter()
    train = x[:n]
    scaler = None
    if how == "scaled":
        scaler = StandardScaler()
        train = scaler.fit_transform(train)
    fit = LogisticRegression(C=1.0, max_iter=1000, tol=1e-4).fit(train, y[:n])
    times.append(time.perf_counter() - start)
w, sign = fit.coef_[0].astype(numpy.float64), numpy.where(y[:n], 1.0, -1.0)
z = numpy.concatenate([part.astype(numpy.float64) @ w for part in numpy.array_split(train, 32)]) + float(fit.intercept_[0])
objective = float(numpy.logaddexp(0, -sign * z).mean() + (w @ w) / (2 * n))
held = scaler.transform(x[n:]) if scaler else x[n:]
print(json.dumps({"how": how, "n": n, "width": x.shape[1], "seconds_median": float(numpy.median(times)), "seconds": times,
                  "iterations": int(fit.n_iter_[0]), "objective": objective, "accuracy": float(fit.score(held, y[n:]))}))
