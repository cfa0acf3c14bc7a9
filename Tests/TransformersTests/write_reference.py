"""Writes a reference for `surgeon parity MODEL --against reference.safetensors` from any Hugging Face folder.

    python Tests/TransformersTests/write_reference.py MODEL reference.safetensors < texts.txt

One text a line, or `[1, 403, 407]` for token ids where the folder has no tokenizer. The lines of the module's README are
the body of `write`; this program adds the reading of texts, and encoders, which have hidden states but no logits.
"""

import json
import sys

ENCODERS = ("bert", "roberta", "xlm-roberta", "camembert", "distilbert")


def write(folder, ids, mask, path):
    import torch, transformers, safetensors.torch
    encoder = transformers.AutoConfig.from_pretrained(folder).model_type in ENCODERS
    kind = transformers.AutoModel if encoder else transformers.AutoModelForCausalLM
    model = kind.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    with torch.no_grad(): out = model(ids, attention_mask=mask, output_hidden_states=True)
    states = {f"hidden_states.{i}": h.contiguous() for i, h in enumerate(out.hidden_states)}
    logits = {} if encoder else {"logits": out.logits}
    safetensors.torch.save_file({"input_ids": ids, "attention_mask": mask, **logits, **states}, path)


if __name__ == "__main__":
    import torch

    folder, path = sys.argv[1:]
    lines = [line.strip() for line in sys.stdin if line.strip()]
    if all(line.startswith("[") for line in lines):
        texts = [json.loads(line) for line in lines]
    else:
        from transformers import AutoTokenizer
        tokenizer = AutoTokenizer.from_pretrained(folder)
        texts = [tokenizer(line)["input_ids"] for line in lines]
    length = max(map(len, texts))
    ids = torch.tensor([text + [0] * (length - len(text)) for text in texts])
    mask = torch.tensor([[1] * len(text) + [0] * (length - len(text)) for text in texts])
    write(folder, ids, mask, path)
