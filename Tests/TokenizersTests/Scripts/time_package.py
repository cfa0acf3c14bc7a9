"""Times the Python package `tokenizers` on the lines that `Bench tokenizer` encodes, on one thread.

    RAYON_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false python time_package.py FOLDER MEGABYTES RUNS FILE...

Prints seconds of reading and of `encode_batch_fast`, and the checksum of all ids that Bench prints."""
import os
import statistics
import sys
import time

os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
from tokenizers import Tokenizer, __version__

folder, megabytes, runs, files = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
reading = []
for _ in range(runs):
    start = time.perf_counter()
    tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
    reading.append(time.perf_counter() - start)
tokenizer.no_truncation()
tokenizer.no_padding()
print(f"tokenizers {__version__}: read {statistics.median(reading):.3f} s (best {min(reading):.3f})")
if files:
    everything = []
    for file in files:
        everything += [line for line in open(file, "rb").read().decode().split("\n") if line.strip()]
    lines, size = [], 0
    while size < megabytes * 1e6:
        for line in everything:
            if size >= megabytes * 1e6:
                break
            lines.append(line)
            size += len(line.encode())
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        encodings = tokenizer.encode_batch_fast(lines)
        seconds.append(time.perf_counter() - start)
    count = checksum = 0
    for encoding in encodings:
        count += len(encoding.ids)
        for token in encoding.ids:
            checksum = (checksum * 31 + token) & 0xFFFFFFFF
    median = statistics.median(seconds)
    print(f"{size} bytes, {count} tokens, checksum {checksum}")
    print(f"encode_batch_fast {median:.3f} s (best {min(seconds):.3f}), {size / median / 1e6:.2f} MB/s")
