"""Records Fixtures/packed.npz and stored.npz with NumPy: python record_npz.py. The test knows how the numbers are made."""

import pathlib

import numpy as np

n = np.arange(300 * 20, dtype=np.int64)
arrays = dict(
    # Long repeats and a code of its own, a short text that takes the fixed code, and bits that nothing packs.
    images=((n * n // 7) % 251 * (n % 3 == 0)).astype(np.uint8).reshape(300, 4, 5),
    labels=(np.arange(300) % 10).astype(np.int64),
    few=np.array([[0.5, -2.0]], np.float32),
    noise=(n * 2654435761 // 65536 % 256).astype(np.uint8)[:640].reshape(64, 10),
)
folder = pathlib.Path(__file__).parent / "Fixtures"
np.savez_compressed(folder / "packed.npz", **arrays)
np.savez(folder / "stored.npz", **{name: arrays[name] for name in ("few", "labels")})
