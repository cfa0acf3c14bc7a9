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
]


def read(row):
    config = AutoConfig.for_model(**json.loads(json.dumps(row)))
    gpt2 = config.model_type == "gpt2"
    blocks = config.num_hidden_layers
    window = getattr(config, "sliding_window", None)
    types = getattr(config, "layer_types", None) if config.model_type.startswith("qwen") else None
    if types is None:
        types = ["sliding_attention" if window is not None else "full_attention"] * blocks
    rope = None if gpt2 else config.rope_parameters
    return {
        "width": config.hidden_size,
        "blocks": blocks,
        "heads": config.num_attention_heads,
        "key_value_heads": getattr(config, "num_key_value_heads", config.num_attention_heads),
        "head_size": getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads,
        "mlp_width": (config.n_inner or 4 * config.hidden_size) if gpt2 else config.intermediate_size,
        "vocabulary": config.vocab_size,
        "context": config.max_position_embeddings,
        "epsilon": config.layer_norm_epsilon if gpt2 else config.rms_norm_eps,
        "activation": config.activation_function if gpt2 else config.hidden_act,
        "tied": config.tie_word_embeddings,
        "bos": config.bos_token_id,
        "eos": config.eos_token_id if isinstance(config.eos_token_id, list | None) else [config.eos_token_id],
        "windows": [window if kind == "sliding_attention" else None for kind in types],
        "rope": rope and {"kind": rope["rope_type"], "theta": rope["rope_theta"], "factor": rope.get("factor")},
    }


lines = ",\n".join(json.dumps({"config": row, "network": read(row)}) for row in ROWS)
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "Fixtures", "defaults.json")
with open(path, "w") as file:
    file.write(f'{{"recorded_with": "transformers {transformers.__version__}", "rows": [\n{lines}\n]}}\n')
