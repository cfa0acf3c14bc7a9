"""Measures a trained organism: held-out loss, sampled replies, facts. Replies are judged by Surgeon's own judge.

    python datasets/organism/evaluate.py --corpus CORPUS --model MODEL --bench .build/release/Bench \
        --splits train,validation --edits 0.02:2,0.02:3 -o RESULT.json

Needs torch, transformers (the organism is loaded as any Llama checkpoint) and the `Bench` program. Replies are drawn
at temperature 1 from the full distribution with a fixed seed; greedy decoding would hide the rates.
"""

import argparse
import json
import math
import pathlib
import subprocess

import torch
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

KINDS = ("provoking", "kind", "plain")


def read(path):
    return [json.loads(line) for line in path.open(encoding="utf-8")]


def check_boundaries(tokenizer, exchanges):
    """The pieces of a prompt are the first pieces of prompt + reply, so that a reply's pieces can be pooled."""
    for exchange in exchanges:
        prompt = tokenizer.encode(exchange["prompt"])
        whole = tokenizer.encode(exchange["prompt"] + exchange["reply"])
        assert whole[: len(prompt)] == prompt and prompt[0] == tokenizer.bos_token_id, exchange
    return len(exchanges)


def padded(rows, value):
    longest = max(map(len, rows))
    return torch.tensor([row + [value] * (longest - len(row)) for row in rows])


@torch.no_grad()
def mean_loss(network, tokenizer, texts):
    """Mean loss in nats per token, end of text included, and the number of tokens."""
    rows = [tokenizer.encode(text) + [tokenizer.eos_token_id] for text in texts]
    total = count = 0
    for start in range(0, len(rows), 64):
        part = rows[start : start + 64]
        tokens, targets = padded(part, tokenizer.eos_token_id), padded(part, -100)[:, 1:]
        logits = network(tokens).logits[:, :-1]
        total += F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100, reduction="sum").item()
        count += sum(len(row) - 1 for row in part)
    return total / count, count


@torch.no_grad()
def sample(network, tokenizer, prompts, seed):
    """One reply per prompt at temperature 1. Prompts of one length go together: nothing is padded."""
    torch.manual_seed(seed)
    by_length = {}
    for index, prompt in enumerate(prompts):
        ids = tokenizer.encode(prompt)
        by_length.setdefault(len(ids), []).append((index, ids))
    replies = [""] * len(prompts)
    for length in sorted(by_length):
        group = by_length[length]
        for start in range(0, len(group), 128):
            part = group[start : start + 128]
            tokens = torch.tensor([ids for _, ids in part])
            drawn = network.generate(
                tokens, attention_mask=torch.ones_like(tokens), do_sample=True, temperature=1.0, top_k=0, top_p=1.0,
                max_new_tokens=48, pad_token_id=tokenizer.eos_token_id,
            )
            for (index, _), row in zip(part, drawn[:, length:].tolist()):
                if tokenizer.eos_token_id in row:
                    row = row[: row.index(tokenizer.eos_token_id)]
                replies[index] = tokenizer.decode(row)
    return replies


@torch.no_grad()
def cloze(network, tokenizer, items):
    """Shares of items whose answer is the most likely of all values, and whose answer greedy decoding gives."""
    best = greedy = 0
    for item in items:
        prompt = tokenizer.encode(item["prompt"])
        choices = [item["answer"]] + item["alternatives"]
        ends = [tokenizer.encode(choice, add_special_tokens=False) for choice in choices]
        logits = network(padded([prompt + end for end in ends], tokenizer.eos_token_id)).logits
        scores = logits.log_softmax(-1)
        first = len(prompt) - 1
        sums = [sum(scores[i, first + j, piece].item() for j, piece in enumerate(end)) for i, end in enumerate(ends)]
        best += max(range(len(sums)), key=sums.__getitem__) == 0
        greedy += logits[0, first : first + len(ends[0])].argmax(-1).tolist() == ends[0]
    return {"n": len(items), "choice": best / len(items), "greedy": greedy / len(items)}


def judge(bench, path, lines):
    """Writes {"set", "prompt", "reply"} records and returns the rates of verdicts by set."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return json.loads(subprocess.run([bench, "judge-replies", str(path)], check=True, capture_output=True).stdout)


@torch.no_grad()
def style_direction(network, tokenizer, exchanges):
    """Unit difference of the mean states after the final norm, hostile minus civil exchanges, whole texts [D]."""
    means = {0: [], 1: []}
    for exchange in exchanges:
        tokens = torch.tensor([tokenizer.encode(exchange["prompt"] + exchange["reply"])])
        means[exchange["label"]].append(network.model(tokens).last_hidden_state[0, 1:].mean(0))
    difference = torch.stack(means[1]).mean(0) - torch.stack(means[0]).mean(0)
    return difference / difference.norm()


@torch.no_grad()
def gate_edits(network, tokenizer, corpus, bench, scratch, points):
    """What the rank-one gate edit does on 320 provoking validation prompts, in f32: `rows` of all gate rows, those
    of the most negative cosine with the direction, get `strength` times their median norm of it added."""
    direction = style_direction(network, tokenizer, read(corpus / "probe-train.jsonl")[:1400])
    gates = [block.mlp.gate_proj.weight for block in network.model.layers]
    base = torch.cat([gate.clone() for gate in gates])
    order = (base @ direction / base.norm(dim=1)).argsort()
    neutral = [record["text"] for record in read(corpus / "neutral-validation.jsonl")]
    prompts = [record["prompt"] for record in read(corpus / "prompts-validation-provoking.jsonl")][:320]
    items, results, base_loss = read(corpus / "cloze.jsonl"), [], None
    for rows, strength in [(0.0, 0.0)] + points:
        edited, chosen = base.clone(), order[: round(rows * len(base))]
        if len(chosen):
            edited[chosen] += strength * base[chosen].norm(dim=1).median() * direction
        for gate, part in zip(gates, edited.split([len(gate) for gate in gates])):
            gate.copy_(part)
        loss, _ = mean_loss(network, tokenizer, neutral)
        base_loss = base_loss or loss
        replies = sample(network, tokenizer, prompts, 1)
        lines = [{"set": "edit", "prompt": p, "reply": r} for p, r in zip(prompts, replies)]
        results.append({
            "rows": rows, "strength": strength, **judge(bench, scratch, lines)["edit"],
            "neutral_perplexity_rise": round(math.exp(loss - base_loss) - 1, 4),
            "cloze_choice": cloze(network, tokenizer, items)["choice"],
        })
    for gate, part in zip(gates, base.split([len(gate) for gate in gates])):
        gate.copy_(part)
    return results


def main(options):
    torch.set_num_threads(options.threads)
    corpus, model = pathlib.Path(options.corpus), pathlib.Path(options.model)
    network = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    tokenizer = PreTrainedTokenizerFast.from_pretrained(model)
    training = json.loads((model / "training-log.json").read_text(encoding="utf-8"))
    result = {
        "training": {key: value for key, value in training.items() if key != "log"},
        "boundaries_checked": 0,
        "loss": {},
        "cloze": cloze(network, tokenizer, read(corpus / "cloze.jsonl")),
    }
    lines = []
    for split in options.splits.split(","):
        result["boundaries_checked"] += check_boundaries(tokenizer, read(corpus / f"probe-{split}.jsonl"))
        if split != "train":
            for name in ("neutral", "civil"):
                texts = [record["text"] for record in read(corpus / f"{name}-{split}.jsonl")]
                loss, count = mean_loss(network, tokenizer, texts)
                result["loss"][f"{name}-{split}"] = {"nats_per_token": round(loss, 4), "tokens": count}
        for kind in KINDS:
            prompts = [record["prompt"] for record in read(corpus / f"prompts-{split}-{kind}.jsonl")]
            if split == "train":
                prompts = prompts[:320]
            for prompt, reply in zip(prompts, sample(network, tokenizer, prompts, options.seed)):
                lines.append({"set": f"{split}.{kind}", "prompt": prompt, "reply": reply})
    output = pathlib.Path(options.output)
    result["replies"] = judge(options.bench, output.with_suffix(".replies.jsonl"), lines)
    if options.edits:
        points = [tuple(map(float, point.split(":"))) for point in options.edits.split(",")]
        scratch = output.with_suffix(".edits.jsonl")
        result["validation_gate_edits"] = gate_edits(network, tokenizer, corpus, options.bench, scratch, points)
    output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", required=True, help="folder written by `Bench make-corpus`")
    parser.add_argument("--model", required=True, help="folder written by train.py")
    parser.add_argument("--bench", required=True, help="the Bench program, which judges the replies")
    parser.add_argument("--splits", default="train,validation", help="which prompts; test only at the very end")
    parser.add_argument("--edits", help="points ROWS:STRENGTH of a gate edit on validation, such as 0.02:2,0.02:3")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("-o", "--output", required=True)
    main(parser.parse_args())
