"""Records what transformers makes of configs with absent keys: Fixtures/defaults.json.

    python Tests/ArchitecturesTests/record_defaults.py

Each row holds a config.json and what the family's class reads out of it.
"""

import json
import os

import transformers
from transformers import AutoConfig

ROWS = [
    {"model_type": "llama"},
    {"model_type": "mistral"},
    {"model_type": "qwen2"},
    {"model_type": "qwen3"},
    {"model_type": "gpt2"},
    {"model_type": "llama", "num_attention_heads": 16},
    {"model_type": "llama", "num_attention_heads": 16, "num_key_value_heads": None, "head_dim": None},
    {"model_type": "mistral", "num_attention_heads": 16},
    {"model_type": "qwen2", "num_attention_heads": 64, "num_key_value_heads": None},
    {"model_type": "qwen3", "num_attention_heads": 64},
    {"model_type": "mistral", "sliding_window": None},
    {"model_type": "mistral", "sliding_window": 17},
    {"model_type": "qwen2", "sliding_window": 17},
    {"model_type": "qwen2", "use_sliding_window": True},
    {"model_type": "qwen2", "use_sliding_window": True, "sliding_window": 17, "max_window_layers": 3},
    {"model_type": "qwen3", "use_sliding_window": True, "sliding_window": 17, "num_hidden_layers": 2,
     "layer_types": ["sliding_attention", "full_attention"]},
    {"model_type": "llama", "rope_theta": 500000.0, "rope_scaling": None},
    {"model_type": "llama", "rope_theta": 500000.0, "rope_scaling": {}},
    {"model_type": "llama", "rope_parameters": None, "rope_theta": 7.0, "rope_scaling": {"type": "linear", "factor": 3.0}},
    {"model_type": "llama", "rope_parameters": {"rope_type": "default", "rope_theta": 9.0},
     "rope_scaling": {"type": "linear", "factor": 3.0}},
    {"model_type": "llama", "rope_parameters": {"rope_type": "default"}},
    {"model_type": "llama", "rope_theta": 5.0, "rope_parameters": {"rope_type": "default", "rope_theta": 6.0}},
    {"model_type": "llama", "rope_scaling": {"type": "linear", "rope_type": "dynamic", "factor": 3.0}},
    {"model_type": "llama", "eos_token_id": [7, 8], "bos_token_id": None},
    {"model_type": "gpt2", "n_embd": 96, "n_inner": None, "n_head": 6},
    {"model_type": "gpt2", "hidden_size": 96, "num_hidden_layers": 5, "num_attention_heads": 6,
     "max_position_embeddings": 77},
    {"model_type": "llama", "attention_bias": True},
    {"model_type": "llama", "mlp_bias": True},
    {"model_type": "qwen3", "attention_bias": True},
    {"model_type": "gemma"},
    {"model_type": "gemma", "hidden_act": "gelu"},
    {"model_type": "gemma2"},
    {"model_type": "gemma2", "attn_logit_softcapping": None, "final_logit_softcapping": None, "sliding_window": None},
    {"model_type": "gemma2", "num_hidden_layers": 2, "layer_types": ["full_attention", "sliding_attention"]},
    {"model_type": "gemma3_text"},
    {"model_type": "gemma3_text", "num_hidden_layers": 4, "sliding_window_pattern": 2, "sliding_window": 17,
     "rope_theta": 7.0, "rope_local_base_freq": 5.0},
    {"model_type": "gemma3_text", "rope_scaling": {"rope_type": "linear", "factor": 8.0}},
    {"model_type": "phi"},
    {"model_type": "phi", "partial_rotary_factor": 0.25, "rope_theta": 77.0},
    {"model_type": "phi3"},
    {"model_type": "phi3", "sliding_window": 2047, "num_key_value_heads": 8},
    {"model_type": "gpt_neox"},
    {"model_type": "gpt_neox", "rotary_pct": 0.5, "rotary_emb_base": 500.0},
    {"model_type": "gptj"},
    {"model_type": "gptj", "n_embd": 96, "n_head": 6, "rotary_dim": 8, "n_inner": 50},
    {"model_type": "gpt_neo"},
    {"model_type": "gpt_neo", "num_layers": 3, "attention_types": [[["global"], 1], [["local"], 2]], "window_size": 9},
    {"model_type": "opt"},
    {"model_type": "opt", "hidden_size": 96, "num_attention_heads": 6},
    {"model_type": "falcon"},
    {"model_type": "falcon", "new_decoder_architecture": True, "num_attention_heads": 64, "hidden_size": 4096,
     "num_kv_heads": 8},
    {"model_type": "falcon", "multi_query": False, "alibi": True, "num_attention_heads": 64, "hidden_size": 4096},
    {"model_type": "bloom"},
    {"model_type": "bloom", "n_embed": 96, "n_layer": 3, "n_head": 6},
    {"model_type": "mpt"},
    {"model_type": "mpt", "d_model": 96, "n_heads": 6, "n_layers": 3, "max_seq_len": 77},
    {"model_type": "stablelm"},
    {"model_type": "stablelm", "partial_rotary_factor": 0.5},
    {"model_type": "starcoder2"},
    {"model_type": "starcoder2", "sliding_window": 17},
    {"model_type": "olmo2"},
    {"model_type": "olmo2", "num_attention_heads": 16, "num_key_value_heads": 4},
    {"model_type": "granite"},
    {"model_type": "granite", "embedding_multiplier": 12.0, "attention_multiplier": 0.25, "residual_multiplier": 0.2,
     "logits_scaling": 8.0},
    {"model_type": "smollm3"},
    {"model_type": "smollm3", "num_hidden_layers": 4, "no_rope_layers": [1, 1, 0, 1], "num_key_value_heads": None},
    {"model_type": "smollm3", "num_hidden_layers": 4, "use_sliding_window": True, "sliding_window": 9,
     "no_rope_layer_interval": 2},
    {"model_type": "cohere"},
    {"model_type": "openai-gpt"},
    {"model_type": "mixtral"},
    {"model_type": "mixtral", "sliding_window": 17, "num_local_experts": 4, "num_experts_per_tok": 1},
    {"model_type": "qwen2_moe"},
    {"model_type": "qwen2_moe", "num_hidden_layers": 6, "decoder_sparse_step": 2, "mlp_only_layers": [3],
     "norm_topk_prob": True},
    {"model_type": "qwen2_moe", "num_hidden_layers": 6, "use_sliding_window": True, "sliding_window": 17,
     "max_window_layers": 3},
    {"model_type": "qwen3_moe"},
    {"model_type": "qwen3_moe", "num_attention_heads": 16, "head_dim": 64, "use_sliding_window": True,
     "sliding_window": 17, "mlp_only_layers": [0, 5]},
    {"model_type": "bert"},
    {"model_type": "bert", "type_vocab_size": 4, "hidden_act": "relu"},
    {"model_type": "roberta"},
    {"model_type": "roberta", "pad_token_id": 5, "max_position_embeddings": 77},
    {"model_type": "xlm-roberta"},
    {"model_type": "camembert"},
    {"model_type": "distilbert"},
    {"model_type": "distilbert", "dim": 96, "n_heads": 6, "n_layers": 2, "hidden_dim": 50},
]
ENCODERS = ("bert", "roberta", "xlm-roberta", "camembert", "distilbert")


def first(config, *names, default=None):
    """The first of some attributes that there is and that is not None."""
    for name in names:
        value = getattr(config, name, None)
        if value is not None:
            return value
    return default


def kinds(config, blocks):
    """The window of each block in tokens."""
    if config.model_type == "gpt_neo":
        return [config.window_size if kind == "local" else None for kind in config.attention_layers]
    window = getattr(config, "sliding_window", None)
    types = getattr(config, "layer_types", None)
    if config.model_type in ("mistral", "phi3", "starcoder2") or types is None:
        types = ["sliding_attention"] * blocks
    return [window if kind == "sliding_attention" else None for kind in types]


def rotations(config, blocks):
    """Rotary parameters of each block; None where nothing turns."""
    if config.model_type == "gptj":
        return [{"kind": "default", "theta": 10000.0, "factor": None, "share": None, "width": config.rotary_dim}] * blocks
    parameters = getattr(config, "rope_parameters", None)
    if not parameters or getattr(config, "alibi", False):
        return [None] * blocks

    def one(values):
        return {
            "kind": values["rope_type"], "theta": values["rope_theta"], "factor": values.get("factor"),
            "share": values.get("partial_rotary_factor") or 1.0, "width": None}
    if config.model_type == "gemma3_text":
        return [one(parameters[kind]) for kind in config.layer_types]
    turns = getattr(config, "no_rope_layers", None) or [1] * blocks
    return [one(parameters) if turn else None for turn in turns]


def experts(config, blocks):
    """What takes the place of MLPs; None where nothing does."""
    count = first(config, "num_local_experts", "num_experts")
    if count is None:
        return None
    dense, step = getattr(config, "mlp_only_layers", []), getattr(config, "decoder_sparse_step", 1)
    return {
        "count": count, "chosen": config.num_experts_per_tok,
        "width": first(config, "moe_intermediate_size", "intermediate_size"),
        "normalised": getattr(config, "norm_topk_prob", True),
        "shared": getattr(config, "shared_expert_intermediate_size", None),
        "blocks": [index not in dense and (index + 1) % step == 0 for index in range(blocks)],
    }


def read(row):
    config = AutoConfig.for_model(**json.loads(json.dumps(row)))
    kind = config.model_type
    blocks, heads, width = config.num_hidden_layers, config.num_attention_heads, config.hidden_size
    keys = first(config, "num_key_value_heads", default=heads)
    if kind == "falcon":
        keys = config.num_kv_heads if config.new_decoder_architecture else 1 if config.multi_query else heads
    turns = rotations(config, blocks)
    different = [turn for index, turn in enumerate(turns) if turn and turn not in turns[:index]]
    return {
        "width": width,
        "blocks": blocks,
        "heads": heads,
        "key_value_heads": keys,
        "head_size": first(config, "head_dim", default=width // heads),
        "experts": experts(config, blocks),
        "token_types": getattr(config, "type_vocab_size", None),
        "mlp_width": first(config, "n_inner", "hidden_dim", "ffn_dim", "ffn_hidden_size", "intermediate_size", default=4 * width),
        "vocabulary": config.vocab_size,
        # The positions up to the padding token's are nobody's in RoBERTa.
        "context": first(config, "max_position_embeddings", "max_seq_len", "seq_length", default=2048)
        - (config.pad_token_id + 1 if kind in ENCODERS[1:4] else 0),
        "epsilon": first(
            config, "layer_norm_epsilon", "rms_norm_eps", "layer_norm_eps", "norm_epsilon",
            default=1e-12 if kind == "distilbert" else 1e-5),
        "activation": "gelu_new" if kind in ("bloom", "openai-gpt") else "gelu" if kind == "mpt" else first(
            config, "hidden_activation", "hidden_act", "activation_function", "activation"),
        "tied": config.tie_word_embeddings and kind not in ENCODERS,
        "bos": None if kind in ENCODERS else config.bos_token_id,
        "eos": None if kind in ENCODERS else config.eos_token_id if isinstance(config.eos_token_id, list | None) else [config.eos_token_id],
        "windows": kinds(config, blocks),
        "rotations": different,
        "rotation_of_block": [different.index(turn) if turn else None for turn in turns],
        "embedding_scale": width ** 0.5 if kind.startswith("gemma") else first(
            config, "embedding_multiplier", default=1.0),
        "residual_scale": first(config, "residual_multiplier", default=1.0),
        "logit_scale": first(config, "logit_scale", default=1.0),
        "logit_divisor": first(config, "logits_scaling", default=1.0),
        "attention_softcap": getattr(config, "attn_logit_softcapping", None),
        "logit_softcap": getattr(config, "final_logit_softcapping", None),
    }


lines = ",\n".join(json.dumps({"config": row, "network": read(row)}) for row in ROWS)
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "Fixtures", "defaults.json")
with open(path, "w") as file:
    file.write(f'{{"recorded_with": "transformers {transformers.__version__}", "rows": [\n{lines}\n]}}\n')
