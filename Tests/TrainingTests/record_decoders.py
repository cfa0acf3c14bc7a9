"""Records what PyTorch and transformers make of three tiny decoders: every gradient of the first step and ten losses.

    python Tests/TrainingTests/record_decoders.py

f32, one thread, eager attention. Weights come from the counter-based numbers of ../TransformersTests/random_checkpoint.py,
tokens too, so that only gradients and losses are stored: Fixtures/decoder-FAMILY.json (config, tensors, losses) and
decoder-FAMILY.safetensors (gradients)."""

import json
import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "TransformersTests"))
from random_checkpoint import bits, values  # noqa: E402

V, D, STEPS = 29, 16, 10
LENGTHS = [7, 5, 9]
COMMON = dict(vocab_size=V, bos_token_id=0, eos_token_id=1, tie_word_embeddings=True)
LLAMA = dict(hidden_size=D, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
             max_position_embeddings=32, **COMMON)
MODELS = {
    "llama": transformers.LlamaConfig(**(LLAMA | dict(tie_word_embeddings=False, rms_norm_eps=1e-5))),
    "qwen3": transformers.Qwen3Config(**LLAMA, head_dim=6, attention_bias=True),
    "gpt2": transformers.GPT2Config(vocab_size=V, n_embd=D, n_layer=2, n_head=4, n_positions=32, bos_token_id=0,
                                    eos_token_id=1, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0),
}


def specs(model):
    result = []
    for name, parameter in model.named_parameters():
        isGain = parameter.dim() == 1 and name.endswith("weight")
        scale = 0.2 if parameter.dim() == 1 else 0.35
        result.append(dict(name=name, shape=list(parameter.shape), scale=scale, mean=1.0 if isGain else 0.0, dtype="F32"))
    return result


def sequences():
    """Inputs and targets: the first two targets of the second sequence do not count."""
    result = []
    for index, length in enumerate(LENGTHS):
        tokens = [int(b % V) for b in bits(7, f"tokens.{index}", length + 1)]
        targets = tokens[1:]
        if index == 1:
            targets[:2] = [-100, -100]
        result.append((tokens[:-1], targets))
    return result


def loss_of(model):
    total, count = 0.0, 0
    for tokens, targets in sequences():
        logits = model(input_ids=torch.tensor([tokens]), use_cache=False).logits[0]
        total = total + torch.nn.functional.cross_entropy(logits, torch.tensor(targets), reduction="sum")
        count += sum(t >= 0 for t in targets)
    return total / count


def main():
    torch.set_num_threads(1)
    (HERE / "Fixtures").mkdir(exist_ok=True)
    for family, config in MODELS.items():
        config._attn_implementation = "eager"
        model = transformers.AutoModelForCausalLM.from_config(config).float().train()
        tensors = specs(model)
        with torch.no_grad():
            for spec, parameter in zip(tensors, model.parameters()):
                parameter.copy_(torch.from_numpy(values(5, spec)).reshape(spec["shape"]))
        loss_of(model).backward()
        gradients = {name: p.grad.clone() for name, p in model.named_parameters()}
        optimiser = torch.optim.AdamW(
            [dict(params=[p for p in model.parameters() if p.dim() > 1], weight_decay=0.1),
             dict(params=[p for p in model.parameters() if p.dim() == 1], weight_decay=0.0)], lr=0.02, betas=(0.9, 0.98))
        losses, norms = [], []
        for _ in range(STEPS):
            optimiser.zero_grad()
            loss = loss_of(model)
            losses.append(loss.item())
            loss.backward()
            norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).item())
            optimiser.step()
        out = dict(torch=torch.__version__, transformers=transformers.__version__, config=json.loads(config.to_json_string()),
                   seed=5, tensors=tensors, losses=losses, norms=norms)
        (HERE / "Fixtures" / f"decoder-{family}.json").write_text(json.dumps(out) + "\n")
        save_file(gradients, HERE / "Fixtures" / f"decoder-{family}.safetensors")
        print(family, losses[0], losses[-1], norms[0])


main()
