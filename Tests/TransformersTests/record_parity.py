"""Records what Hugging Face computes for tiny random checkpoints of every family.

    python Tests/TransformersTests/record_parity.py [CASE ...]

needs torch, transformers and numpy; the tests need none of them. For every case it writes to Fixtures/parity

    CASE.json         configs of three kinds, the tensors (name, shape, scale, mean, type), texts, losses, greedy replies
    CASE.safetensors  `TEXT/logits` and `TEXT/SITE`, f32, TEXT counted from 0, sites named as in this package

The weights are made from the seed by random_checkpoint.py and, in the tests, by its Swift twin. The model runs each
text by itself (no padding) in f32 on the rounded weights with plain ("eager") attention. The three configs are what
transformers 5 writes (`rope_parameters`, `dtype`), what transformers 4 wrote (`rope_theta`, `rope_scaling`,
`torch_dtype`) and the latter without every key whose value is the family's default; all three must give the same bits
here before anything is recorded.
"""

import json
import math
import os
import sys
import tempfile

import numpy as np
import torch
import transformers
from safetensors.numpy import save_file
from transformers import AutoConfig, AutoModelForCausalLM

import random_checkpoint

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "Fixtures", "parity")
GREEDY = 20
torch.set_num_threads(1)
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

LLAMA = dict(
    model_type="llama", vocab_size=131, hidden_size=36, intermediate_size=52, num_hidden_layers=3,
    num_attention_heads=6, num_key_value_heads=2, max_position_embeddings=96, rms_norm_eps=1e-3)
MISTRAL = dict(
    LLAMA, model_type="mistral", hidden_size=40, num_attention_heads=10, num_key_value_heads=2, intermediate_size=60,
    rms_norm_eps=2e-3, rope_parameters=dict(rope_type="default", rope_theta=1e6))
QWEN2 = dict(
    LLAMA, model_type="qwen2", hidden_size=48, num_attention_heads=4, num_key_value_heads=2, intermediate_size=68,
    num_hidden_layers=4, rms_norm_eps=1e-6, rope_parameters=dict(rope_type="default", rope_theta=1e6))
QWEN3 = dict(
    LLAMA, model_type="qwen3", hidden_size=40, num_attention_heads=4, num_key_value_heads=2, head_dim=14,
    rms_norm_eps=3e-3, rope_parameters=dict(rope_type="default", rope_theta=1e6))
GPT2 = dict(
    model_type="gpt2", vocab_size=131, n_positions=80, n_embd=36, n_layer=3, n_head=3, layer_norm_epsilon=1e-3,
    bos_token_id=1, eos_token_id=2)


def rope(kind, **values):
    return dict(rope_type=kind, **values)


# name: (config, type of the weights, lengths of the texts, whether the inner sites are recorded too)
CASES = {
    "llama": (LLAMA, "F32", [1, 7, 29], True),
    "llama-bf16": (LLAMA, "BF16", [5, 23], False),
    "llama-f16": (LLAMA, "F16", [5, 23], False),
    "llama-long": (
        dict(LLAMA, num_hidden_layers=2, hidden_size=32, num_attention_heads=4, num_key_value_heads=1,
             max_position_embeddings=256), "F32", [3, 150], False),
    "llama-tied-llama3": (
        dict(LLAMA, tie_word_embeddings=True, num_attention_heads=3, num_key_value_heads=1,
             rope_parameters=rope("llama3", rope_theta=100.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                  original_max_position_embeddings=32)), "F32", [9, 41], False),
    "llama-linear": (
        dict(LLAMA, rope_parameters=rope("linear", rope_theta=500.0, factor=2.5)), "F32", [4, 26], False),
    "llama-dynamic": (
        dict(LLAMA, max_position_embeddings=24, rope_parameters=rope("dynamic", rope_theta=10000.0, factor=3.0)),
        "F32", [11, 37, 45], False),
    "llama-biases": (
        dict(LLAMA, attention_bias=True, mlp_bias=True, num_key_value_heads=6, hidden_act="gelu"), "F32", [6, 21],
        False),
    "llama-head-size": (
        dict(LLAMA, hidden_size=40, num_attention_heads=4, num_key_value_heads=1, head_dim=16), "F32", [6, 21], False),
    "mistral": (dict(MISTRAL, sliding_window=5), "F32", [3, 5, 31], False),
    "mistral-head-size-tied": (
        dict(MISTRAL, sliding_window=None, head_dim=6, tie_word_embeddings=True), "F32", [4, 19], False),
    "mistral-kv8": (
        dict(MISTRAL, hidden_size=32, num_attention_heads=8, num_key_value_heads=8,
             rope_parameters=rope("default", rope_theta=10000.0)), "F32", [4, 19], False),
    "qwen2": (QWEN2, "F32", [2, 25], True),
    "qwen2-tied-bf16": (dict(QWEN2, tie_word_embeddings=True), "BF16", [2, 25], False),
    "qwen2-window": (
        dict(QWEN2, use_sliding_window=True, sliding_window=4, max_window_layers=2), "F32", [3, 27], False),
    "qwen2-yarn": (
        dict(QWEN2, num_hidden_layers=2, max_position_embeddings=64,
             rope_parameters=rope("yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=16)),
        "F32", [9, 43], False),
    "qwen3": (QWEN3, "F32", [2, 25], True),
    "qwen3-tied-bf16": (
        dict(QWEN3, tie_word_embeddings=True, attention_bias=True, use_sliding_window=True, sliding_window=6,
             max_window_layers=1), "BF16", [7, 22], False),
    "qwen3-yarn": (
        dict(QWEN3, num_hidden_layers=2,
             rope_parameters=rope("yarn", rope_theta=100.0, factor=1.5, original_max_position_embeddings=64,
                                  beta_fast=4.0, beta_slow=2.0, attention_factor=0.9, truncate=False)),
        "F32", [9, 43], False),
    "qwen3-head128": (
        dict(QWEN3, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1, head_dim=128), "F32", [17],
        False),
    "gpt2": (GPT2, "F32", [1, 8, 28], True),
    "gpt2-bf16": (GPT2, "BF16", [5, 23], False),
    "gpt2-f16": (GPT2, "F16", [5, 23], False),
    "gpt2-inner": (
        dict(GPT2, n_inner=52, scale_attn_by_inverse_layer_idx=True, activation_function="gelu",
             tie_word_embeddings=False), "F32", [5, 23], False),
    "gpt2-unscaled": (
        dict(GPT2, n_embd=32, n_head=4, scale_attn_weights=False, activation_function="relu"), "F32", [5, 23], False),
}


def spec(name, shape, scale, mean=0.0, dtype="F32"):
    return dict(name=name, shape=list(shape), scale=scale, mean=mean, dtype=dtype)


def specs(model, dtype):
    """The tensors of a model with scales under which every part of it matters."""
    result = []
    for name, tensor in model.state_dict().items():
        if name.endswith((".attn.bias", ".attn.masked_bias", "inv_freq")):
            continue
        if name == "lm_head.weight" and model.config.tie_word_embeddings:
            continue
        shape = tuple(tensor.shape)
        if len(shape) == 1:
            gain = name.endswith("weight")
            result.append(spec(name, shape, 0.5 if gain else 0.375, 1.0 if gain else 0.0625, dtype))
        elif "wpe" in name or "wte" in name or "embed_tokens" in name:
            result.append(spec(name, shape, 0.5 if "wpe" in name else 1.0, 0.0, dtype))
        else:
            inputs = shape[0] if "c_" in name else shape[1]
            strong = 2.0 if any(part in name for part in ("q_proj", "k_proj", "c_attn", "lm_head")) else 1.0
            result.append(spec(name, shape, math.ceil(strong * math.sqrt(3 / inputs) * 64) / 64, 0.0, dtype))
    return result


def configs(values, dtype):
    """A config under the two generations, and under the older one without what is the family's default."""
    config = AutoConfig.for_model(**values)
    config.dtype = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}[dtype]
    new = json.loads(config.to_json_string(use_diff=True))
    new["architectures"] = [type(AutoModelForCausalLM.from_config(config)).__name__]
    old = {key: value for key, value in new.items() if key not in ("rope_parameters", "dtype", "layer_types")}
    if "head_dim" not in values:
        old.pop("head_dim", None)  # older configs did not spell out width / heads
    old["transformers_version"] = "4.40.0"
    old["torch_dtype"] = config.dtype if isinstance(config.dtype, str) else str(config.dtype).split(".")[1]
    if "use_sliding_window" in values:
        old["sliding_window"], new["sliding_window"] = values["sliding_window"], values["sliding_window"]
    if "rope_parameters" in new:
        scaling = dict(new["rope_parameters"])
        old["rope_theta"] = scaling.pop("rope_theta")
        kind = scaling.pop("rope_type")
        # Llama 3 came with "rope_type"; the kinds before it were called "type".
        old["rope_scaling"] = None if kind == "default" else {"rope_type" if kind == "llama3" else "type": kind, **scaling}
    defaults = dict(type(config)().to_dict(), rope_theta=10000.0, rope_scaling=None)
    kept = ("model_type", "vocab_size")
    sparse = {key: value for key, value in old.items() if key in kept or key not in defaults or value != defaults[key]}
    for key in ("torch_dtype", "transformers_version", "architectures"):
        sparse.pop(key, None)
    if sparse.get("num_key_value_heads") == sparse.get("num_attention_heads") and values["model_type"] == "llama":
        sparse.pop("num_key_value_heads", None)
    return {"rope_parameters": new, "rope_theta": old, "sparse": sparse}


def load(folder, config):
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(config, file)
    model, report = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    assert not any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), report
    return model.eval()


def record(model, text, inner):
    """Logits and hidden states of one text; sites by their names in this package."""
    sites, hooks = {}, []
    gpt2 = model.config.model_type == "gpt2"
    blocks = model.transformer.h if gpt2 else model.model.layers
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
        # hidden_states ends with the final norm, so the last block's own output is caught here.
        if index == last:
            hooks.append(block.register_forward_hook(keep(f"blocks.{index}.output")))
        if not inner:
            continue
        prefix = f"blocks.{index}."
        attention = block.attn if gpt2 else block.self_attn
        norm = block.ln_2 if gpt2 else block.post_attention_layernorm
        first = block.ln_1 if gpt2 else block.input_layernorm
        hooks += [
            attention.register_forward_hook(keep(prefix + "attention.output")),
            norm.register_forward_hook(keep(prefix + "mlp.input")),
            first.register_forward_hook(keep(prefix + "attention.q:input")),
            block.mlp.register_forward_hook(keep(prefix + "mlp.output")),
            (attention.c_proj if gpt2 else attention.o_proj).register_forward_pre_hook(
                keep_input(prefix + "attention.o:input")),
            (block.mlp.c_proj if gpt2 else block.mlp.down_proj).register_forward_pre_hook(
                keep_input(prefix + "mlp.down:input")),
        ]
    with torch.no_grad():
        output = model(torch.tensor([text]), output_hidden_states=True, use_cache=False)
    for hook in hooks:
        hook.remove()
    states = output.hidden_states
    sites["embeddings"] = states[0]
    for index in range(last):
        sites[f"blocks.{index}.output"] = states[index + 1]
    sites["final_norm"] = states[-1]
    found = {name: value[0].float().numpy() for name, value in sites.items()}
    found["logits"] = output.logits[0].numpy()
    for name, value in found.items():
        assert value.shape[0] == len(text) and np.isfinite(value).all(), (name, value.shape)
    return {name: np.ascontiguousarray(value, dtype=np.float32) for name, value in found.items()}


def loss(logits, text):
    """Mean -log p of each next token in nats, f64; None for a single token."""
    if len(text) < 2:
        return None
    wide = torch.tensor(logits, dtype=torch.float64).log_softmax(-1)
    return -float(wide[range(len(text) - 1), text[1:]].mean())


def greedy(model, text):
    """The reply with a cache, and the least distance between the best two logits on the way."""
    model.generation_config.eos_token_id = None
    model.generation_config.pad_token_id = 0
    with torch.no_grad():
        reply = model.generate(
            torch.tensor([text]), attention_mask=torch.ones(1, len(text), dtype=torch.long), do_sample=False,
            max_new_tokens=GREEDY, use_cache=True, return_dict_in_generate=True, output_logits=True)
    margin = min(float(step[0].topk(2).values.diff().abs()) for step in reply.logits)
    return reply.sequences[0, len(text):].tolist(), margin


class NearTie(Exception):
    """Two logits too close for a greedy reply that does not depend on rounding."""


def run(name):
    """Records a case under the first seed without near ties in its greedy replies."""
    first = int(random_checkpoint.bits(0, name, 1)[0] >> np.uint64(40))
    for seed in range(first, first + 50):
        try:
            return attempt(name, seed)
        except NearTie:
            continue
    raise SystemExit(f"{name}: no seed without near ties")


def attempt(name, seed):
    values, dtype, lengths, inner = CASES[name]
    generations = configs(values, dtype)
    with tempfile.TemporaryDirectory() as folder:
        tensors = specs(AutoModelForCausalLM.from_config(AutoConfig.for_model(**values)), dtype)
        digest = random_checkpoint.write(os.path.join(folder, "model.safetensors"), seed, tensors)
        # Token 0 pads, 1 and 2 begin and end: texts keep clear of them, except for a first 1.
        texts = []
        for index, length in enumerate(lengths):
            draws = random_checkpoint.bits(seed, f"text {index}", length)
            texts.append([1] + [int(draw % np.uint64(128)) + 3 for draw in draws[1:]])
        arrays, losses, replies = {}, [], []
        for index, text in enumerate(texts):
            # A fresh model a text: the dynamic scaling remembers the longest text it has seen.
            found = {kind: record(load(folder, config), text, inner) for kind, config in generations.items()}
            reference = found.pop("rope_parameters")
            for kind, other in found.items():
                for site, value in reference.items():
                    assert (value == other[site]).all(), f"{name}: {kind} differs at {site}"
            for site, value in sorted(reference.items()):
                arrays[f"{index}/{site}"] = value
            losses.append(loss(reference["logits"], text))
            reply, margin = greedy(load(folder, generations["rope_parameters"]), text)
            if margin < 2e-3:
                raise NearTie()
            replies.append(reply)
    document = dict(
        case=name, recorded_with=f"transformers {transformers.__version__}, torch {torch.__version__}, f32, eager",
        seed=seed, data_sha256=digest, configs=generations, texts=texts, losses=losses, greedy=replies,
        tensors=tensors)
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(value)}" for key, value in document.items() if key != "tensors")
    rows = ",\n".join("  " + json.dumps(tensor) for tensor in tensors)
    with open(os.path.join(FOLDER, name + ".json"), "w") as file:
        file.write("{\n" + lines + ",\n \"tensors\": [\n" + rows + "\n ]\n}\n")
    save_file(arrays, os.path.join(FOLDER, name + ".safetensors"))
    size = sum(value.nbytes for value in arrays.values())
    most = max(float(abs(value).max()) for key, value in arrays.items() if key.endswith("logits"))
    print(f"{name:24} {len(tensors):3} tensors  {size:8} bytes  max |logit| {most:.2f}  losses {losses}")


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    for case in sys.argv[1:] or CASES:
        run(case)
