"""Records what Hugging Face computes for tiny random encoders.

    python Tests/TransformersTests/record_parity_encoders.py [CASE ...]

Same files and the same rules as record_parity.py, without logits, losses and replies: an encoder has hidden states only. The
checkpoints carry what real folders carry beside the encoder (pooler, heads, a `position_ids` buffer), which the models here
read or ignore as transformers does. `token_types` lists the token types of the texts where they are not all 0.
"""

import json
import math
import os
import sys
import tempfile

import numpy as np
import torch
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM, AutoModelForPreTraining
from transformers import AutoModelForSequenceClassification

import random_checkpoint
import record_parity as base

BERT = dict(
    model_type="bert", vocab_size=131, hidden_size=36, intermediate_size=52, num_hidden_layers=3, num_attention_heads=6,
    max_position_embeddings=40, layer_norm_eps=1e-3, type_vocab_size=3)
ROBERTA = dict(BERT, model_type="roberta", type_vocab_size=1, pad_token_id=1, bos_token_id=0, eos_token_id=2)
DISTILBERT = dict(
    model_type="distilbert", vocab_size=131, dim=40, hidden_dim=60, n_layers=3, n_heads=5, max_position_embeddings=48)

# name: (config, class whose tensors lie in the folder, type of the weights, lengths, inner sites)
CASES = {
    "bert": (BERT, AutoModelForPreTraining, "F32", [2, 9, 27], True),
    "bert-bare-f16": (dict(BERT, hidden_act="relu", type_vocab_size=2), AutoModel, "F16", [5, 40], False),
    "bert-classifier-bf16": (dict(BERT, hidden_act="gelu_new"), AutoModelForSequenceClassification, "BF16", [5, 21], False),
    "roberta": (ROBERTA, AutoModelForMaskedLM, "F32", [2, 9, 38], True),
    "roberta-pad-f16": (
        dict(ROBERTA, pad_token_id=4, type_vocab_size=2), AutoModelForSequenceClassification, "F16", [5, 21], False),
    "distilbert": (DISTILBERT, AutoModelForMaskedLM, "F32", [2, 9, 27], True),
    "distilbert-bf16": (
        dict(DISTILBERT, activation="relu", sinusoidal_pos_embds=True), AutoModelForSequenceClassification, "BF16", [5, 48],
        False),
}


def specs(model, dtype):
    result, seen = [], set()
    for name, tensor in model.state_dict().items():
        if tensor.data_ptr() in seen or not tensor.is_floating_point():
            continue  # heads tied to the embeddings, position_ids
        seen.add(tensor.data_ptr())
        shape = tuple(tensor.shape)
        if len(shape) == 1:
            gain = name.endswith("weight")
            result.append(base.spec(name, shape, 0.5 if gain else 0.375, 1.0 if gain else 0.0625, dtype))
        elif "embeddings." in name:
            result.append(base.spec(name, shape, 1.0 if "word" in name else 0.5, 0.0, dtype))
        else:
            strong = any(part in name for part in ("query", "key", "q_lin", "k_lin"))
            result.append(base.spec(name, shape, math.ceil((2.0 if strong else 1.0) * math.sqrt(3 / shape[1]) * 64) / 64,
                                    0.0, dtype))
    return result


def configs(values, kind, dtype):
    config = AutoConfig.for_model(**values)
    config.dtype = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}[dtype]
    new = json.loads(config.to_json_string(use_diff=True))
    new["architectures"] = [type(kind.from_config(config)).__name__]
    old = {key: value for key, value in new.items() if key != "dtype"}
    old.update(transformers_version="4.8.2", torch_dtype=new["dtype"], gradient_checkpointing=False)
    if values["model_type"] != "distilbert":
        old["position_embedding_type"] = "absolute"
    defaults = type(config)().to_dict()
    sparse = {key: value for key, value in old.items()
              if key in ("model_type", "vocab_size") or (key in defaults and value != defaults[key])}
    for key in ("torch_dtype", "transformers_version", "architectures"):
        sparse.pop(key, None)
    return {"rope_parameters": new, "rope_theta": old, "sparse": sparse}


def load(folder, config):
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(config, file)
    model, report = AutoModel.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    assert not report["mismatched_keys"], report
    assert all("pooler" in key for key in report["missing_keys"]), report
    return model.eval()


def record(model, text, types, inner):
    sites, hooks = {}, []
    small = model.config.model_type == "distilbert"
    blocks = model.transformer.layer if small else model.encoder.layer

    def keep(name):
        def hook(module, arguments, output):
            sites[name] = output
        return hook

    def keep_input(name):
        def hook(module, arguments):
            sites[name] = arguments[0]
        return hook

    for index, block in enumerate(blocks if inner else []):
        prefix = f"blocks.{index}."
        out = block.attention.out_lin if small else block.attention.output.dense
        first = block.ffn.lin1 if small else block.intermediate.dense
        down = block.ffn.lin2 if small else block.output.dense
        hooks += [
            out.register_forward_hook(keep(prefix + "attention.output")),
            out.register_forward_pre_hook(keep_input(prefix + "attention.o:input")),
            first.register_forward_pre_hook(keep_input(prefix + "mlp.input")),
            down.register_forward_hook(keep(prefix + "mlp.output")),
            down.register_forward_pre_hook(keep_input(prefix + "mlp.down:input")),
        ]
    arguments = {} if types is None else {"token_type_ids": torch.tensor([types])}
    with torch.no_grad():
        ids = torch.tensor([text])
        output = model(ids, attention_mask=torch.ones_like(ids), output_hidden_states=True, **arguments)
    for hook in hooks:
        hook.remove()
    for index, state in enumerate(output.hidden_states):
        sites["embeddings" if index == 0 else f"blocks.{index - 1}.output"] = state
    found = {name: value[0].float().numpy() for name, value in sites.items()}
    assert all(value.shape[0] == len(text) and np.isfinite(value).all() for value in found.values())
    return {name: np.ascontiguousarray(value, dtype=np.float32) for name, value in found.items()}


def run(name):
    values, kind, dtype, lengths, inner = CASES[name]
    seed = int(random_checkpoint.bits(0, name, 1)[0] >> np.uint64(40))
    generations = configs(values, kind, dtype)
    with tempfile.TemporaryDirectory() as folder:
        tensors = specs(kind.from_config(AutoConfig.for_model(**values)), dtype)
        digest = random_checkpoint.write(os.path.join(folder, "model.safetensors"), seed, tensors)
        texts, types, arrays = [], [], {}
        for index, length in enumerate(lengths):
            draws = random_checkpoint.bits(seed, f"text {index}", length)
            text = [int(draw % np.uint64(124)) + 7 for draw in draws]
            if values["model_type"] == "roberta" and length > 6:
                text[3] = text[6] = values["pad_token_id"]  # a padding token inside a text takes no position
            texts.append(text)
            types.append([int(draw >> np.uint64(60)) % values["type_vocab_size"] for draw in draws]
                         if values["model_type"] == "bert" and index > 0 else None)
        for index, (text, kinds) in enumerate(zip(texts, types)):
            found = {key: record(load(folder, config), text, kinds, inner) for key, config in generations.items()}
            reference = found.pop("rope_parameters")
            for key, other in found.items():
                for site, value in reference.items():
                    assert (value == other[site]).all(), f"{name}: {key} differs at {site}"
            arrays.update({f"{index}/{site}": value for site, value in sorted(reference.items())})
    base.write(name, seed, digest, generations, texts, [None] * len(texts), [], tensors, arrays, token_types=types)


if __name__ == "__main__":
    os.makedirs(base.FOLDER, exist_ok=True)
    for case in sys.argv[1:] or CASES:
        run(case)
