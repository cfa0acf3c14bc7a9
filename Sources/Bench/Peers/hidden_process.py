"""The whole way of a script that caches hidden states: start, load, tokenise, run, pool by the mean, save.
Usage: hidden_process.py MODEL TEXTS.txt OUT.npz LENGTH ; env THREADS"""
import json, os, resource, sys, time
start = time.perf_counter()
threads = os.environ.get("THREADS", "2")
os.environ["OMP_NUM_THREADS"] = threads
import numpy, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
torch.set_num_threads(int(threads))
folder, texts, out, length = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
tokenizer = AutoTokenizer.from_pretrained(folder)
tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
lines = open(texts).read().splitlines()
batch = tokenizer(lines, return_tensors="pt", padding=True, truncation=True, max_length=length, return_token_type_ids=False)
with torch.no_grad():
    states = model(**batch, output_hidden_states=True, use_cache=False).hidden_states
mask = batch["attention_mask"].unsqueeze(-1).float()
pooled = {f"hidden_states.{i}": ((h * mask).sum(1) / mask.sum(1)).numpy() for i, h in enumerate(states)}
numpy.savez(out, **pooled)
print(json.dumps({"tokens": int(batch["attention_mask"].sum()), "seconds": time.perf_counter() - start,
                  "rss_peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))
