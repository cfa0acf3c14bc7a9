"""Masks and weights of Wanda and SparseGPT in plain PyTorch, f64: what Tests/ImportanceTests compares with.

Usage: record_pruning.py (writes ../Fixtures/pruning-*.json and .safetensors). Needs torch, transformers,
safetensors, numpy. The checkpoint is a function of a seed (../../TransformersTests/random_checkpoint.py), so that only
its shapes, the texts and the results are stored.

The formulas are those of arXiv 2306.11695 (|w| times the norm of its input, the lowest of each row) and arXiv
2301.00774 (blocks of 128 columns, errors spread by the upper factor of the damped inverse); counts are exact, ties go
to the lower index. Nothing is shared with the program's code: the inverse here is torch's.
"""

import json
import os
import sys
import tempfile

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.join(HERE, "..", "Fixtures")
sys.path.insert(0, os.path.join(HERE, "..", "..", "TransformersTests"))
import random_checkpoint  # noqa: E402

torch.set_default_dtype(torch.float64)
GAPS = []


def lowest(scores, count):
    """A mask of the `count` lowest of a flat list, ties to the lower index; keeps the relative gap at the cut."""
    order = torch.sort(scores, stable=True)
    mask = torch.zeros(scores.numel(), dtype=torch.bool)
    mask[order.indices[:count]] = True
    if 0 < count < scores.numel():
        low, high = order.values[count - 1].item(), order.values[count].item()
        GAPS.append((high - low) / max(high, 1e-300))
    return mask


def wanda_rows(weight, squares, share):
    """The lowest int(K·share) of each row."""
    scores = weight.abs() * squares.sqrt()
    count = int(weight.shape[1] * share)
    return torch.stack([lowest(row, count) for row in scores])


def wanda_pattern(weight, squares, keep, of):
    scores = weight.abs() * squares.sqrt()
    mask = torch.zeros_like(scores, dtype=torch.bool)
    for row in range(weight.shape[0]):
        for start in range(0, weight.shape[1], of):
            part = scores[row, start : start + of]
            if part.numel() == of:  # what is left over at the end of a row stays
                mask[row, start : start + of] = lowest(part, of - keep)
    return mask


def sparsegpt(weight, gram, count=None, pattern=None, width=128, percent=0.01):
    """Algorithm 1; `gram` is XᵀX. Gives the new weights and the mask of pruned ones."""
    weight, gram = weight.clone(), gram.clone()
    width = width if pattern is None else width // pattern[1] * pattern[1]
    rows, columns = weight.shape
    diagonal = gram.diagonal()
    dead = diagonal == 0
    mean = diagonal[~dead].mean()
    diagonal[dead] = mean
    gram += percent * mean * torch.eye(columns)
    upper = torch.linalg.cholesky(torch.linalg.inv(gram), upper=True)
    pruned = torch.zeros_like(weight, dtype=torch.bool)
    for start in range(0, columns, width):
        end = min(columns, start + width)
        if pattern is None:
            cost = (weight[:, start:end] / upper.diagonal()[start:end]) ** 2
            cost[:, dead[start:end]] = 0
            share = count * end // columns - count * start // columns
            pruned[:, start:end] = lowest(cost.flatten(), share).view(rows, -1)
        errors = torch.zeros(rows, end - start)
        for column in range(start, end):
            if pattern is not None and (column - start) % pattern[1] == 0 and column + pattern[1] <= columns:
                stop = column + pattern[1]
                cost = (weight[:, column:stop] / upper.diagonal()[column:stop]) ** 2
                cost[:, dead[column:stop]] = 0
                for row in range(rows):
                    pruned[row, column:stop] = lowest(cost[row], pattern[1] - pattern[0])
            error = torch.where(pruned[:, column], weight[:, column] / upper[column, column], torch.zeros(()))
            weight[:, column:end] -= error[:, None] * upper[column, column:end][None, :]
            weight[pruned[:, column], column] = 0
            errors[:, column - start] = error
        weight[:, end:] -= errors @ upper[start:end, end:]
    return weight, pruned


def bits(mask):
    """A mask as hexadecimal bytes, eight weights a byte, the first in the lowest bit."""
    return np.packbits(mask.flatten().numpy(), bitorder="little").tobytes().hex()


def matrices():
    """Single matrices: sizes around the block width, few tokens, dead inputs."""
    cases, tensors = [], {}
    specs = [
        ("plain", 24, 300, 400, [], dict(share=0.5)),
        ("narrow", 10, 40, 200, [], dict(share=0.3)),
        ("few-tokens", 16, 200, 60, [], dict(share=0.5)),
        ("dead", 12, 160, 300, [3, 64, 65, 159], dict(share=0.25)),
        ("two-of-four", 16, 300, 400, [], dict(pattern=[2, 4])),
        ("one-of-three", 9, 50, 120, [7], dict(pattern=[1, 3])),
    ]
    for name, rows, columns, tokens, dead, target in specs:
        weight = random_checkpoint.values(5, dict(name=name + ".weight", shape=[rows, columns], scale=1, mean=0))
        inputs = random_checkpoint.values(5, dict(name=name + ".inputs", shape=[tokens, columns], scale=1, mean=0))
        weight = torch.tensor(weight.astype(np.float64)).view(rows, columns)
        inputs = torch.tensor(inputs.astype(np.float64)).view(tokens, columns)
        # Neighbours are alike, all have something in common, and some are much larger than others, as in trained
        # networks; every number is exact in f64, so that the test makes the same ones.
        inputs = inputs + 0.5 * inputs.roll(1, 1) + 0.25 * inputs[:, :1]
        inputs = inputs * 2.0 ** ((torch.arange(columns) * 7) % 9 - 4)
        inputs[:, dead] = 0
        gram = inputs.T @ inputs
        squares = (inputs**2).sum(0)
        count = None if "pattern" in target else int(target["share"] * rows * columns)
        updated, pruned = sparsegpt(weight, gram, count=count, pattern=target.get("pattern"))
        if "pattern" in target:
            wanda = wanda_pattern(weight, squares, *target["pattern"])
        else:
            wanda = wanda_rows(weight, squares, target["share"])
        difference, masked = weight - updated, torch.where(pruned, weight, torch.zeros(()))
        energy = (weight @ gram * weight).sum()
        tensors[name + ".sparsegpt"] = updated.float()
        cases.append(
            dict(
                name=name, rows=rows, columns=columns, tokens=tokens, dead=dead, target=target,
                wanda=bits(wanda), sparsegpt=bits(pruned),
                error_masked=((masked @ gram * masked).sum() / energy).item(),
                error_compensated=((difference @ gram * difference).sum() / energy).item(),
            )
        )
    save_file(tensors, os.path.join(FIXTURES, "pruning-matrices.safetensors"))
    with open(os.path.join(FIXTURES, "pruning-matrices.json"), "w") as file:
        json.dump(dict(seed=5, cases=cases), file, indent=1)


CONFIG = dict(
    model_type="llama", architectures=["LlamaForCausalLM"], hidden_size=32, intermediate_size=48,
    num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, vocab_size=64, max_position_embeddings=64,
    rms_norm_eps=1e-5, rope_theta=10000.0, hidden_act="silu", tie_word_embeddings=False, bos_token_id=1,
    eos_token_id=2, torch_dtype="float32",
)  # fmt: skip


def specs():
    width, inner, kv = CONFIG["hidden_size"], CONFIG["intermediate_size"], 16
    rows = [("model.embed_tokens.weight", [CONFIG["vocab_size"], width], 1.0, 0.0)]
    for block in range(CONFIG["num_hidden_layers"]):
        stem = f"model.layers.{block}."
        rows += [
            (stem + "self_attn.q_proj.weight", [width, width], 0.4, 0),
            (stem + "self_attn.k_proj.weight", [kv, width], 0.4, 0),
            (stem + "self_attn.v_proj.weight", [kv, width], 0.4, 0),
            (stem + "self_attn.o_proj.weight", [width, width], 0.4, 0),
            (stem + "mlp.gate_proj.weight", [inner, width], 0.4, 0),
            (stem + "mlp.up_proj.weight", [inner, width], 0.4, 0),
            (stem + "mlp.down_proj.weight", [width, inner], 0.4, 0),
            (stem + "input_layernorm.weight", [width], 0.8, 1),
            (stem + "post_attention_layernorm.weight", [width], 0.8, 1),
        ]
    rows += [("model.norm.weight", [width], 0.5, 1), ("lm_head.weight", [CONFIG["vocab_size"], width], 0.5, 0)]
    return [dict(name=n, shape=s, scale=c, mean=m, dtype="F32") for n, s, c, m in rows]


def checkpoint():
    """A whole checkpoint, block after block: a pruned block's outputs feed the next."""
    seed, share = 9, 0.5
    ids = (random_checkpoint.bits(seed, "texts", 12 * 24) >> np.uint64(40)).astype(np.int64) % CONFIG["vocab_size"]
    texts = torch.tensor(ids).view(12, 24)
    tensors = {}
    for method in ["wanda", "sparsegpt", "wanda-one-shot"]:
        with tempfile.TemporaryDirectory() as folder:
            random_checkpoint.write(os.path.join(folder, "model.safetensors"), seed, specs())
            with open(os.path.join(folder, "config.json"), "w") as file:
                json.dump(CONFIG, file)
            model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager").eval()
        dense = {}
        for block, layer in enumerate(model.model.layers):
            products = {n: m for n, m in layer.named_modules() if isinstance(m, torch.nn.Linear)}
            seen = {n: [] for n in products}
            hooks = [
                m.register_forward_hook(lambda _, x, y, n=n: seen[n].append(x[0].detach().reshape(-1, x[0].shape[-1])))
                for n, m in products.items()
            ]
            with torch.no_grad():
                model(texts)
            for hook in hooks:
                hook.remove()
            for name, module in products.items():
                inputs, weight = torch.cat(seen[name]), module.weight.detach()
                if method == "sparsegpt":
                    count = int(share * weight.numel())
                    updated, _ = sparsegpt(weight, inputs.T @ inputs, count=count)
                else:
                    updated = weight.masked_fill(wanda_rows(weight, (inputs**2).sum(0), share), 0)
                tensors[f"{method}/model.layers.{block}.{name}.weight"] = updated.float()
                dense[(block, name)] = updated
            if method != "wanda-one-shot":
                for (own, name), updated in dense.items():
                    if own == block:
                        products[name].weight.data = updated.float().double()
    save_file(tensors, os.path.join(FIXTURES, "pruning-checkpoint.safetensors"))
    with open(os.path.join(FIXTURES, "pruning-checkpoint.json"), "w") as file:
        json.dump(
            dict(seed=seed, share=share, config=CONFIG, tensors=specs(), texts=texts.tolist()), file, indent=None)


os.makedirs(FIXTURES, exist_ok=True)
matrices()
checkpoint()
# What the program computes in f32 passes must not be able to change the order at a cut.
print(f"{len(GAPS)} cuts, smallest relative gap {min(GAPS):.2e}")
assert min(GAPS) > 2e-6, "choose another seed"
