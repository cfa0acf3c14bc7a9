"""Records what Hugging Face computes for tiny random mixtures of experts.

    python Tests/TransformersTests/record_parity_moe.py [CASE ...]

Same files and the same rules as record_parity.py. What differs: a checkpoint lies either with one tensor an expert, as the
folders of these families do (`block_sparse_moe.experts.E.w1`, `mlp.experts.E.gate_proj`), or with all experts of a block
stacked, as transformers 5 holds them in memory (`mlp.experts.gate_up_proj` [E, 2F, D]); `STACKED` names the latter cases. A
seed is taken only where no token's choice of experts hangs on a difference that rounding could turn.
"""

import math
import os
import re
import sys
import tempfile

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM

import random_checkpoint
import record_parity as base

MIXTRAL = dict(
    model_type="mixtral", vocab_size=131, hidden_size=32, intermediate_size=22, num_hidden_layers=2,
    num_attention_heads=8, num_key_value_heads=2, max_position_embeddings=96, rms_norm_eps=1e-3,
    num_local_experts=5, num_experts_per_tok=2, rope_parameters=base.rope("default", rope_theta=1e6))
QWEN2 = dict(
    model_type="qwen2_moe", vocab_size=131, hidden_size=32, intermediate_size=46, num_hidden_layers=3,
    num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=96, rms_norm_eps=1e-6,
    num_experts=6, num_experts_per_tok=3, moe_intermediate_size=14, shared_expert_intermediate_size=26,
    rope_parameters=base.rope("default", rope_theta=1e6))
QWEN3 = dict(
    model_type="qwen3_moe", vocab_size=131, hidden_size=36, intermediate_size=46, num_hidden_layers=3,
    num_attention_heads=4, num_key_value_heads=2, head_dim=14, max_position_embeddings=96, rms_norm_eps=3e-3,
    num_experts=7, num_experts_per_tok=3, moe_intermediate_size=18,
    rope_parameters=base.rope("default", rope_theta=1e6))

CASES = {
    "mixtral": (MIXTRAL, "F32", [1, 7, 29], True),
    "mixtral-window-f16": (
        dict(MIXTRAL, sliding_window=5, num_experts_per_tok=1, head_dim=6, hidden_act="gelu"), "F16", [3, 23], False),
    "mixtral-stacked-bf16": (dict(MIXTRAL, num_local_experts=3, tie_word_embeddings=True), "BF16", [3, 23], False),
    "qwen2_moe": (dict(QWEN2, decoder_sparse_step=2), "F32", [2, 25], True),
    "qwen2_moe-normed-f16": (dict(QWEN2, norm_topk_prob=True, mlp_only_layers=[1]), "F16", [2, 21], False),
    "qwen2_moe-stacked": (
        dict(QWEN2, num_hidden_layers=2, qkv_bias=False, use_sliding_window=True, sliding_window=4, max_window_layers=1,
             tie_word_embeddings=True), "F32", [5, 21], False),
    "qwen3_moe": (dict(QWEN3, norm_topk_prob=True), "F32", [2, 25], True),
    "qwen3_moe-stacked-bf16": (
        dict(QWEN3, mlp_only_layers=[0], attention_bias=True, use_sliding_window=True, sliding_window=6), "BF16", [7, 22],
        False),
}
STACKED = {name for name in CASES if "stacked" in name}
MARGIN = 1e-3


def specs(name, model, dtype):
    """The tensors as a folder has them, with scales under which router, experts and shared expert all matter."""
    mixtral = model.config.model_type == "mixtral"
    result = []
    for key, tensor in model.state_dict().items():
        if key == "lm_head.weight" and model.config.tie_word_embeddings:
            continue
        shape = tuple(tensor.shape)
        if len(shape) == 1:
            gain = key.endswith("weight")
            result.append(base.spec(key, shape, 0.5 if gain else 0.375, 1.0 if gain else 0.0625, dtype))
            continue
        if "embed_tokens" in key:
            result.append(base.spec(key, shape, 1.0, 0.0, dtype))
            continue
        strong = any(part in key for part in ("q_proj", "k_proj", "lm_head", "mlp.gate.", "shared_expert_gate"))
        scale = math.ceil((2.0 if strong else 1.0) * math.sqrt(3 / shape[-1]) * 64) / 64
        block = re.match(r"(model\.layers\.\d+\.)mlp\.(.*)", key)
        if name in STACKED or not block or not (len(shape) == 3 or (mixtral and block.group(2) == "gate.weight")):
            result.append(base.spec(key, shape, scale, 0.0, dtype))
            continue
        folder = block.group(1) + ("block_sparse_moe." if mixtral else "mlp.")
        if len(shape) == 2:
            result.append(base.spec(folder + block.group(2), shape, scale, 0.0, dtype))
            continue
        gate_up, down = (("w1", "w3"), "w2") if mixtral else (("gate_proj", "up_proj"), "down_proj")
        for expert in range(shape[0]):
            if block.group(2).endswith("gate_up_proj"):
                for part in gate_up:
                    result.append(base.spec(
                        f"{folder}experts.{expert}.{part}.weight", (shape[1] // 2, shape[2]), scale, 0.0, dtype))
            else:
                result.append(base.spec(f"{folder}experts.{expert}.{down}.weight", shape[1:], scale, 0.0, dtype))
    return result


def load(folder, config):
    """The model in f32 with plain attention and plain loops over experts."""
    with open(os.path.join(folder, "config.json"), "w") as file:
        base.json.dump(config, file)
    model, report = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", experts_implementation="eager", output_loading_info=True)
    assert not any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), report
    return model.eval()


def router_margin(model, text):
    """The least distance between the weakest chosen expert's logit and the strongest one left out."""
    margins, hooks = [], []
    for block in model.model.layers:
        gate = getattr(block.mlp, "gate", None)
        if gate is None:
            continue

        def hook(module, arguments, output):
            ordered = output[0].sort(dim=-1, descending=True).values
            margins.append(float((ordered[:, module.top_k - 1] - ordered[:, module.top_k]).min()))

        hooks.append(gate.register_forward_hook(hook))
    with torch.no_grad():
        model(torch.tensor([text]), use_cache=False)
    for hook in hooks:
        hook.remove()
    assert margins, "no block has experts"
    return min(margins)


def record(model, text, inner):
    sites, hooks = {}, []
    blocks = model.model.layers
    last = len(blocks) - 1

    def keep(name):
        def hook(module, arguments, output):
            sites[name] = output[0] if isinstance(output, tuple) else output
        return hook

    def keep_input(name):
        def hook(module, arguments):
            sites[name] = arguments[0]
        return hook

    for index, block in enumerate(blocks):
        if index == last:
            hooks.append(block.register_forward_hook(keep(f"blocks.{index}.output")))
        if not inner:
            continue
        prefix = f"blocks.{index}."
        hooks += [
            block.self_attn.register_forward_hook(keep(prefix + "attention.output")),
            block.post_attention_layernorm.register_forward_hook(keep(prefix + "mlp.input")),
            block.mlp.register_forward_hook(keep(prefix + "mlp.output")),
        ]
        if hasattr(block.mlp, "down_proj"):
            hooks.append(block.mlp.down_proj.register_forward_pre_hook(keep_input(prefix + "mlp.down:input")))
        if hasattr(block.mlp, "shared_expert"):
            hooks.append(block.mlp.shared_expert.down_proj.register_forward_pre_hook(
                keep_input(prefix + "mlp.shared.down:input")))
    with torch.no_grad():
        output = model(torch.tensor([text]), output_hidden_states=True, use_cache=False)
    for hook in hooks:
        hook.remove()
    states = output.hidden_states
    sites["embeddings"] = states[0]
    for index in range(last):
        sites[f"blocks.{index}.output"] = states[index + 1]
    sites["final_norm"] = states[-1]
    found = {name: value.reshape(len(text), -1).float().numpy() for name, value in sites.items()}
    found["logits"] = output.logits[0].numpy()
    assert all(np.isfinite(value).all() for value in found.values())
    return {name: np.ascontiguousarray(value, dtype=np.float32) for name, value in found.items()}


def attempt(name, seed):
    values, dtype, lengths, inner = CASES[name]
    generations = base.configs(values, dtype)
    with tempfile.TemporaryDirectory() as folder:
        tensors = specs(name, AutoModelForCausalLM.from_config(AutoConfig.for_model(**values)), dtype)
        digest = random_checkpoint.write(os.path.join(folder, "model.safetensors"), seed, tensors)
        texts, arrays, losses, replies = [], {}, [], []
        for index, length in enumerate(lengths):
            draws = random_checkpoint.bits(seed, f"text {index}", length)
            texts.append([1] + [int(draw % np.uint64(128)) + 3 for draw in draws[1:]])
        for index, text in enumerate(texts):
            found = {kind: record(load(folder, config), text, inner) for kind, config in generations.items()}
            model = load(folder, generations["rope_parameters"])
            reply, margin = base.greedy(model, text)
            if margin < 2e-3 or router_margin(model, text + reply) < MARGIN:
                raise base.NearTie()
            reference = found.pop("rope_parameters")
            for kind, other in found.items():
                for site, value in reference.items():
                    assert (value == other[site]).all(), f"{name}: {kind} differs at {site}"
            arrays.update({f"{index}/{site}": value for site, value in sorted(reference.items())})
            losses.append(base.loss(reference["logits"], text))
            replies.append(reply)
    base.write(name, seed, digest, generations, texts, losses, replies, tensors, arrays)


def run(name):
    first = int(random_checkpoint.bits(0, name, 1)[0] >> np.uint64(40))
    for seed in range(first, first + 200):
        try:
            return attempt(name, seed)
        except base.NearTie:
            continue
    raise SystemExit(f"{name}: no seed without near ties")


if __name__ == "__main__":
    os.makedirs(base.FOLDER, exist_ok=True)
    for case in sys.argv[1:] or CASES:
        run(case)
