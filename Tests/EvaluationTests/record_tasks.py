"""Records log-likelihoods of multiple-choice questions with transformers: Fixtures/tasks.json.

    python record_tasks.py MODEL TASKS

MODEL is the Hugging Face folder of stories260K, TASKS the folder with ARC-Easy, openbookqa and winogrande. Context and
choice are encoded together, the choice's tokens are those after as many as the context alone has, and one forward pass
without a cache scores each choice by itself.
"""

import json
import re
import sys
from pathlib import Path

import torch
import transformers

COUNTS = {"ARC-Easy": 20, "openbookqa": 15, "winogrande": 15}
NAMES = {"ARC-Easy": "arc_easy", "openbookqa": "openbookqa", "winogrande": "winogrande"}


def question(row):
    """Stem, choices and the place of the right one."""
    text = row["instruction"]
    word = "Option" if row["answer"].startswith("option") else "Answer"
    body, form = text.rsplit("Answer format:", 1)
    stem = body.split(": ", 1)[1].split(f"\n\n{word}1: ")[0].strip()
    rest = body.rsplit(f"\n\n{word}1: ", 1)[1]
    count = form.count("/") + 1
    pattern = "".join(rf"\s{word}{i}: (.*?)" for i in range(2, count + 1))
    choices = [c.strip() for c in re.fullmatch(rf"(.*?){pattern}\s*", rest, re.S).groups()]
    return stem, choices, int(re.sub(r"\D", "", row["answer"])) - 1


def texts(task, stem, choices):
    """(context, continuation) of every choice."""
    if task == "winogrande":
        before, after = stem.split("_", 1)
        return [(before + choice, " " + after.strip()) for choice in choices]
    context = f"Question: {stem}\nAnswer:" if task == "arc_easy" else stem
    return [(context, " " + choice) for choice in choices]


def main():
    folder, tasks = sys.argv[1], Path(sys.argv[2])
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

    def score(context, continuation):
        stripped = context.rstrip()
        whole = tokenizer.encode(context + continuation)
        start = len(tokenizer.encode(stripped))
        with torch.no_grad():
            logits = model(torch.tensor([whole])).logits[0].double()
        log = torch.log_softmax(logits, -1)
        own = range(start, len(whole))
        value = sum(log[i - 1, whole[i]].item() for i in own)
        greedy = all(log[i - 1].argmax().item() == whole[i] for i in own)
        return value, len(own), greedy

    record = {}
    for name, count in COUNTS.items():
        task = NAMES[name]
        rows = json.loads((tasks / name / "test.json").read_text())
        items = []
        for row in rows[:count]:
            stem, choices, answer = question(row)
            scores = [score(*pair) for pair in texts(task, stem, choices)]
            values = [s[0] for s in scores]
            normalised = [v / len(c) for v, c in zip(values, choices)]
            items.append({
                "answer": answer, "log_likelihoods": [round(v, 6) for v in values],
                "tokens": [s[1] for s in scores], "greedy": [s[2] for s in scores],
                "pick": max(range(len(values)), key=values.__getitem__),
                "pick_norm": max(range(len(values)), key=normalised.__getitem__),
            })
        record[task] = items
    record["recorded_with"] = f"transformers {transformers.__version__}, torch {torch.__version__}"
    out = Path(__file__).parent / "Fixtures" / "tasks.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(record, separators=(",", ":")) + "\n")


main()
