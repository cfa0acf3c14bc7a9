"""Whether what surgeon writes loads elsewhere, with the programs that users have: transformers, peft, gguf, llama.cpp.

    python check_elsewhere.py --surgeon .build/debug/surgeon [--families llama,gpt2] [-o elsewhere.json]

For each family a tiny random checkpoint is made by transformers itself (fixed seed, save_pretrained, with a tokenizer).
surgeon then edits it in two ways, rows added and a direction ablated, and the script compares, on one batch of ids:

- transformers loading the written folder, with a rendition of the edit in torch on the loaded base;
- surgeon on the written folder with transformers on it (`surgeon parity`), and surgeon's run-time change with the folder;
- peft loading the exported LoRA adapter, with the same edited logits;
- the control vector, read back by gguf, and by llama.cpp where llama_cpp is installed.

Every figure is the largest |difference| over the largest |logit| of the edited model, which moved by `effect`; that of run
time is the difference of perplexities (`surgeon perplexity BASE --patch` against the written folder). What does not work is recorded with its error; nothing is left out. The outcome goes to elsewhere.json beside this script, and the
table of README.md is made from it (`--table`).
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
FAMILIES = ["llama", "qwen3", "gemma2", "gpt2", "gpt_neox", "phi3", "mixtral"]
COLUMNS = ["rows_transformers", "rows_surgeon", "rows_run_time", "rows_peft", "ablate_transformers", "ablate_surgeon",
           "ablate_run_time", "ablate_peft",
           "norms_transformers", "control_vector"]


def table(outcome):
    lines = ["| family | effect rows / ablation | " + " | ".join(c.replace("_", " ") for c in COLUMNS) + " |",
             "|---|---|" + "---|" * len(COLUMNS)]
    for name, row in outcome["families"].items():
        cells = []
        for column in COLUMNS:
            value = row.get(column)
            cells.append("–" if value is None else f"{value:.1e}" if isinstance(value, float) else str(value))
        effects = " / ".join(f"{row[k]:.2g}" if k in row else "–" for k in ("rows_effect", "ablate_effect"))
        lines.append(f"| {name} | {effects} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if "--table" in sys.argv:
    print(table(json.loads((HERE / "elsewhere.json").read_text())))
    sys.exit()

import gguf
import numpy
import peft
import safetensors.torch as st
import tokenizers
import torch
import transformers

torch.set_num_threads(1)
transformers.utils.logging.disable_progress_bar()
WIDTH, BLOCKS, VOCABULARY = 32, 3, 67


def make(family, folder):
    """A tiny random checkpoint with biases and norms off their defaults, and a tokenizer."""
    common = dict(vocab_size=VOCABULARY, bos_token_id=1, eos_token_id=2, pad_token_id=0)
    llama = dict(hidden_size=WIDTH, intermediate_size=48, num_hidden_layers=BLOCKS, num_attention_heads=4,
                 num_key_value_heads=2, max_position_embeddings=64, **common)
    configs = {
        "llama": lambda: transformers.LlamaConfig(**llama, tie_word_embeddings=False),
        "qwen3": lambda: transformers.Qwen3Config(**llama, head_dim=12, tie_word_embeddings=True),
        "gemma2": lambda: transformers.Gemma2Config(**llama, head_dim=12, sliding_window=16),
        "gpt2": lambda: transformers.GPT2Config(n_embd=WIDTH, n_layer=BLOCKS, n_head=4, n_positions=64, **common),
        "gpt_neox": lambda: transformers.GPTNeoXConfig(
            hidden_size=WIDTH, intermediate_size=48, num_hidden_layers=BLOCKS, num_attention_heads=4,
            max_position_embeddings=64, tie_word_embeddings=False, **common),
        "phi3": lambda: transformers.Phi3Config(**llama, original_max_position_embeddings=64),
        "mixtral": lambda: transformers.MixtralConfig(**llama, num_local_experts=4, num_experts_per_tok=2),
    }
    torch.manual_seed(7)
    model = transformers.AutoModelForCausalLM.from_config(configs[family](), dtype=torch.float32)
    with torch.no_grad():
        for name, value in model.named_parameters():
            scale = 0.3 if value.dim() == 1 else 0.4
            value.copy_(torch.randn(value.shape) * scale + (1.0 if "norm" in name or "ln_" in name else 0.0)
                        * (1.0 if name.endswith("weight") and value.dim() == 1 else 0.0))
    model.save_pretrained(folder)
    words = {f"w{i}": i for i in range(VOCABULARY)}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="w0"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="w0", bos_token="w1", eos_token="w2"
                                         ).save_pretrained(folder)


def load(folder):
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    model.config._attn_implementation = "eager"
    return model


IDS = torch.tensor([[1, 5, 9, 33, 60, 4, 17], [1, 2, 66, 40, 12, 8, 3]])


def logits(model):
    with torch.no_grad():
        return model(IDS).logits.double()


def reference(values, path):
    st.save_file({"input_ids": IDS, "logits": values.float().contiguous()}, str(path))


class Surgeon:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def __call__(self, *words, code=0):
        ended = subprocess.run([self.program, *map(str, words), "-q", "--threads", "1"], cwd=self.folder,
                               capture_output=True, text=True)
        if ended.returncode != code:
            raise RuntimeError(f"surgeon {' '.join(map(str, words))}: exit {ended.returncode}: {ended.stderr.strip()[:400]}")
        return ended.stdout


def probe(folder, base):
    """A probe out of two heaps of texts, trained by surgeon itself."""
    generator = torch.Generator().manual_seed(5)
    with open(folder / "texts.jsonl", "w") as file:
        for index in range(80):
            label = index % 2
            low = 3 if label else 35
            ids = torch.randint(low, low + 31, (9,), generator=generator).tolist()
            file.write(json.dumps({"text": " ".join(f"w{i}" for i in ids), "label": label}) + "\n")


def unit(values):
    return values / values.norm()


def ablate_in_torch(model, family, plan, strength, norms):
    """The edit in torch, from the plan's direction: what writes to the residual stream loses it."""
    direction = unit(plan["direction"].double())
    inner = model.get_decoder() if hasattr(model, "get_decoder") else model.base_model

    def project(weight, d, axis, keep):
        value = weight.data.double()
        moved = value.movedim(axis, -1)
        new = moved - strength * (moved @ d)[..., None] * d
        if keep:
            new = new * (moved.norm(dim=-1) / new.norm(dim=-1))[..., None]
        weight.data.copy_(new.movedim(-1, axis).float())

    def gained(norm):
        if norm is None:
            return direction
        gain = norm.weight.data.double() + (1 if family == "gemma2" else 0)
        return unit(gain * direction)

    keep = norms == "vectors"
    embedding = model.get_input_embeddings()
    project(embedding.weight, direction, 1, keep)
    if family == "gpt2":
        project(inner.wpe.weight, direction, 1, keep)
    for block in inner.h if family == "gpt2" else inner.layers:
        if family == "gpt2":
            products = [(block.attn.c_proj, None), (block.mlp.c_proj, None)]
        elif family == "gpt_neox":
            products = [(block.attention.dense, None), (block.mlp.dense_4h_to_h, None)]
        else:
            post = family == "gemma2"
            products = [(block.self_attn.o_proj, block.post_attention_layernorm if post else None)]
            if family == "mixtral":
                for down in block.mlp.experts.down_proj.data:  # [D, F] of every expert
                    holder = torch.nn.Parameter(down)
                    project(holder, direction, 0, keep)
            else:
                products.append((block.mlp.down_proj, block.post_feedforward_layernorm if post else None))
        for product, norm in products:
            d = gained(norm)
            project(product.weight, d, 1 if family == "gpt2" else 0, keep)
            if product.bias is not None:
                project(product.bias, d, 0, False)


def rows_in_torch(model, patch):
    """The edit in torch, from the patch's deltas: rows of the stored tensors, by their names on the disk."""
    record = json.loads(patch["metadata"]["record"])
    state = dict(model.named_parameters())
    for index, edit in enumerate(record["edits"]):
        rows, delta = patch["tensors"][f"rows.{index}"], patch["tensors"][f"delta.{edit['delta']}"]
        name = edit["tensor"]
        if name not in state:  # mixtral: experts apart on the disk, stacked in memory
            parts = name.split(".")
            block, expert = int(parts[2]), int(parts[parts.index("experts") + 1])
            weight = state[f"model.layers.{block}.mlp.experts.gate_up_proj"].data[expert]
        else:
            weight = state[name].data
        if edit["transposed"]:
            weight[:, rows] += delta[:, None]
        else:
            weight[rows] += delta


def read(path):
    from safetensors import safe_open
    with safe_open(path, "pt") as file:
        return {"metadata": file.metadata(), "tensors": {k: file.get_tensor(k) for k in file.keys()}}


def check(family, program, row):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        surgeon = Surgeon(program, folder)
        make(family, folder / "base")
        base = logits(load(folder / "base"))
        reference(base, folder / "base.safetensors")
        surgeon("parity", "base", "--against", "base.safetensors")
        probe(folder, "base")
        surgeon("probe", "train", "base", "-f", "texts.jsonl", "--sites", "blocks.1.output", "--pooling", "mean",
                "--permutations", "0", "-o", "probe")

        def difference(a, b):
            return float((a - b).abs().max() / b.abs().max())

        def step(key, work):
            try:
                row[key] = work()
            except Exception as error:  # recorded, not hidden
                row[key] = "fails"
                words = " ".join(str(error).split("exit ")[-1].split())[:300]
                row.setdefault("errors", {})[key] = f"{type(error).__name__}: {words}"

        def kind(label, locate, strength, expect, export=True):
            plan, patch, edited = (folder / f"{label}.{part}" for part in ("plan.st", "patch.st", "edited"))
            surgeon("locate", "base", "--probe", "probe", *locate, "-o", plan)
            surgeon("edit", "build", "base", "--plan", plan, "--strength", strength, "-o", patch)
            surgeon("edit", "apply", "base", "--patch", patch, "-o", edited)
            surgeon("edit", "verify", edited, "--patch", patch, "--base", "base")
            written = logits(load(edited))
            row[f"{label}_effect"] = difference(written, base)

            def by_torch():
                model = load(folder / "base")
                expect(model, plan, patch)
                return difference(logits(model), written)

            step(f"{label}_transformers", by_torch)
            if not export:
                return

            def by_surgeon():
                reference(written, folder / f"{label}.reference.st")
                report = folder / f"{label}.parity.json"
                surgeon("parity", edited, "--against", f"{label}.reference.st", "--report", report)
                site = next(s for s in json.loads(report.read_text())["results"]["sites"] if s["site"] == "logits")
                return site["max_abs"] / site["max_abs_reference"]

            step(f"{label}_surgeon", by_surgeon)

            def at_run_time():
                losses = []
                for words in (["base", "--patch", patch], [edited]):
                    report = folder / f"{label}.{len(losses)}.json"
                    surgeon("perplexity", *words, "-f", "texts.jsonl", "-L", "12", "--report", report)
                    metrics = {m["name"]: m["value"] for m in json.loads(report.read_text())["metrics"]}
                    losses.append(metrics["perplexity"])
                return abs(losses[0] - losses[1])

            step(f"{label}_run_time", at_run_time)

            def by_peft(patch=patch, written=written):
                surgeon("edit", "export", "base", "--patch", patch, "--to", "peft", "-o", folder / f"{label}.adapter")
                model = peft.PeftModel.from_pretrained(load(folder / "base"), str(folder / f"{label}.adapter")).eval()
                return difference(logits(model), written)

            step(f"{label}_peft", by_peft)

        step("rows", lambda: kind("rows", ["--rows", "20%"], 1, lambda model, plan, patch: rows_in_torch(model, read(patch))))
        step("ablate", lambda: kind(
            "ablate", ["--edit", "ablate"], 1,
            lambda model, plan, patch: ablate_in_torch(model, family, read(plan)["tensors"], 1, "none")))
        step("norms", lambda: kind(
            "norms", ["--edit", "ablate", "--norms", "vectors"], 1,
            lambda model, plan, patch: ablate_in_torch(model, family, read(plan)["tensors"], 1, "vectors"), export=False))
        if row.get("ablate_peft") == "fails":  # embeddings that are the head too: the blocks alone
            row["errors"]["ablate_peft_with_embeddings"] = row["errors"].pop("ablate_peft")
            step("blocks", lambda: kind(
                "blocks", ["--edit", "ablate", "--writes", "attention,mlp"], 1, lambda model, plan, patch: None))
            if "blocks_peft" in row:
                row["ablate_peft"] = row["blocks_peft"]
        step("control_vector", lambda: control_vector(surgeon, folder, base))
        for key in list(row):
            if row[key] is None or key.startswith("blocks"):
                row.pop(key)


def control_vector(surgeon, folder, base):
    """The exported direction as gguf reads it, against the probe file; the largest difference."""
    surgeon("probe", "export", "--probe", "probe", "--strength", "3", "-o", "vector.gguf")
    reader = gguf.GGUFReader(str(folder / "vector.gguf"))
    assert bytes(reader.fields["general.architecture"].parts[-1]).decode() == "controlvector"
    tensor = {t.name: numpy.array(t.data) for t in reader.tensors}["direction.1"]
    assert abs(float(numpy.linalg.norm(tensor)) - 3) < 1e-5
    files = [p for p in (folder / "probe").rglob("*.safetensors")]
    vectors = [v for p in files for v in st.load_file(str(p)).values() if v.numel() == tensor.size]
    gaps = [numpy.abs(unit(v.double().flatten()).numpy() * 3 - tensor).max() for v in vectors]
    return float(min(gaps)) if gaps else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--surgeon", required=True)
    parser.add_argument("--families", default=",".join(FAMILIES))
    parser.add_argument("-o", default=str(HERE / "elsewhere.json"))
    options = parser.parse_args()
    program = str(Path(options.surgeon).resolve())
    outcome = {
        "versions": {m.__name__: m.__version__ for m in (torch, transformers, peft, tokenizers)},
        "families": {},
    }
    try:
        import llama_cpp
        outcome["versions"]["llama_cpp"] = llama_cpp.__version__
    except ImportError:
        outcome["llama_cpp"] = "not installed: the control vector was read by gguf alone"
    for family in options.families.split(","):
        row = outcome["families"][family] = {}
        try:
            check(family, program, row)
        except Exception as error:
            row["error"] = f"{type(error).__name__}: {str(error)[:400]}"
        print(family, json.dumps(row, indent=1))
    Path(options.o).write_text(json.dumps(outcome, indent=1, sort_keys=False) + "\n")
    print(table(outcome))


if __name__ == "__main__":
    main()
