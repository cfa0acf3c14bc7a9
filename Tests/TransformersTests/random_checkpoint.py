"""Random checkpoints that need not be stored: the Python twin of Tests/Support/RandomCheckpoint.swift.

A value is a function of (seed, tensor name, index) alone: 24 bits of SplitMix64 at a counter, as a multiple of 2^-23
in [-1, 1), times a scale, plus a mean, each step rounded once to f32, then to the stored type. Both languages do the
same few IEEE operations, so both make the same bytes.
"""

import hashlib
import json

import numpy as np

GOLDEN = 0x9E3779B97F4A7C15
WORD = (1 << 64) - 1


def mix(z):
    """SplitMix64's finaliser, for an int or an array of uint64."""
    if isinstance(z, int):
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & WORD
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & WORD
        return z ^ (z >> 31)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def bits(seed, stream, count):
    """The first `count` draws of Runtime.CounterRandom(seed:stream:)."""
    name = 0xCBF29CE484222325
    for byte in stream.encode():
        name = ((name ^ byte) * 0x100000001B3) & WORD
    key = mix(mix((seed + GOLDEN) & WORD) ^ name)
    counters = np.arange(1, count + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        return mix(np.uint64(key) + counters * np.uint64(GOLDEN))


def values(seed, spec):
    """The f32 numbers of one tensor, before they are rounded to its type."""
    count = int(np.prod(spec["shape"]))
    draws = (bits(seed, spec["name"], count) >> np.uint64(40)).astype(np.int64) - (1 << 23)
    unit = draws.astype(np.float32) * np.float32(2.0**-23)
    return unit * np.float32(spec["scale"]) + np.float32(spec["mean"])


def stored(seed, spec):
    """The bytes of one tensor in its type."""
    numbers = values(seed, spec)
    if spec["dtype"] == "F32":
        return numbers.astype("<f4").tobytes()
    if spec["dtype"] == "F16":
        return numbers.astype("<f2").tobytes()
    assert spec["dtype"] == "BF16", spec
    word = numbers.view(np.uint32)
    return ((word + np.uint32(0x7FFF) + ((word >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)).astype("<u2").tobytes()


def write(path, seed, specs):
    """Writes a safetensors file and gives the SHA-256 of its data."""
    header, blobs, offset = {"__metadata__": {"format": "pt"}}, [], 0
    for spec in specs:
        blob = stored(seed, spec)
        end = offset + len(blob)
        header[spec["name"]] = {"dtype": spec["dtype"], "shape": spec["shape"], "data_offsets": [offset, end]}
        blobs.append(blob)
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    data = b"".join(blobs)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + data)
    return hashlib.sha256(data).hexdigest()
