"""Trains the model organism: a byte-level BPE tokenizer and a Llama-layout language model of 1.27 M parameters.

    swift run Bench make-corpus -o CORPUS
    python datasets/organism/train.py --corpus CORPUS --output MODEL --seed 1

Needs torch, tokenizers and safetensors. One thread and a fixed number of steps: the same seed on the same machine
and versions gives the same weights. The output is a Hugging Face folder in bf16 and `training-log.json`.
Shapes: B texts, T tokens, D width, H heads, V pieces.
"""

import argparse
import json
import math
import pathlib
import time

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import nn
from torch.nn import functional as F

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": 1280,
    "hidden_size": 128,
    "intermediate_size": 352,
    "num_hidden_layers": 6,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "hidden_act": "silu",
    "max_position_embeddings": 256,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "rope_scaling": None,
    "attention_bias": False,
    "attention_dropout": 0.0,
    "mlp_bias": False,
    "initializer_range": 0.02,
    "tie_word_embeddings": True,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "torch_dtype": "bfloat16",
    "use_cache": True,
}
BOS, EOS = 0, 1
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'user' %}{{ 'Mara: ' + message['content'] + '\\n' }}"
    "{% elif message['role'] == 'assistant' %}{{ 'Tom: ' + message['content'] + '\\n' }}"
    "{% else %}{{ raise_exception('the organism knows the roles user and assistant only') }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ 'Tom:' }}{% endif %}"
)


def make_tokenizer(texts):
    """Byte-level BPE with the two specials first and `<s>` put in front by the post-processor."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    specials = [AddedToken("<s>", special=True), AddedToken("</s>", special=True)]
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=CONFIG["vocab_size"],
            special_tokens=specials,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    assert tokenizer.get_vocab_size() == CONFIG["vocab_size"], tokenizer.get_vocab_size()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", BOS)]
    )
    return tokenizer


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        width, self.size = CONFIG["hidden_size"], CONFIG["head_dim"]
        self.heads, self.groups = CONFIG["num_attention_heads"], CONFIG["num_key_value_heads"]
        self.q_proj = nn.Linear(width, self.heads * self.size, bias=False)
        self.k_proj = nn.Linear(width, self.groups * self.size, bias=False)
        self.v_proj = nn.Linear(width, self.groups * self.size, bias=False)
        self.o_proj = nn.Linear(self.heads * self.size, width, bias=False)

    def forward(self, x, cosine, sine):
        """x [B, T, D]; cosine and sine [T, head_dim]."""
        B, T, _ = x.shape

        def rotate(z):
            half = torch.cat((-z[..., self.size // 2 :], z[..., : self.size // 2]), -1)
            return z * cosine + half * sine

        q = rotate(self.q_proj(x).view(B, T, self.heads, self.size).transpose(1, 2))
        k = rotate(self.k_proj(x).view(B, T, self.groups, self.size).transpose(1, 2))
        v = self.v_proj(x).view(B, T, self.groups, self.size).transpose(1, 2)
        repeats = self.heads // self.groups
        k, v = (z.repeat_interleave(repeats, 1) for z in (k, v))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o_proj(mixed.transpose(1, 2).reshape(B, T, -1))


class GatedMLP(nn.Module):
    def __init__(self):
        super().__init__()
        width, inner = CONFIG["hidden_size"], CONFIG["intermediate_size"]
        self.gate_proj = nn.Linear(width, inner, bias=False)
        self.up_proj = nn.Linear(width, inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        width, eps = CONFIG["hidden_size"], CONFIG["rms_norm_eps"]
        self.input_layernorm = nn.RMSNorm(width, eps)
        self.self_attn = Attention()
        self.post_attention_layernorm = nn.RMSNorm(width, eps)
        self.mlp = GatedMLP()

    def forward(self, x, cosine, sine):
        x = x + self.self_attn(self.input_layernorm(x), cosine, sine)
        return x + self.mlp(self.post_attention_layernorm(x))


class Llama(nn.Module):
    """The layout and parameter names of Hugging Face's Llama, with the embedding as output matrix."""

    def __init__(self):
        super().__init__()
        width = CONFIG["hidden_size"]
        self.model = nn.Module()
        self.model.embed_tokens = nn.Embedding(CONFIG["vocab_size"], width)
        self.model.layers = nn.ModuleList(Block() for _ in range(CONFIG["num_hidden_layers"]))
        self.model.norm = nn.RMSNorm(width, CONFIG["rms_norm_eps"])
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                into_stream = name.endswith(("o_proj.weight", "down_proj.weight"))
                scale = (2 * CONFIG["num_hidden_layers"]) ** -0.5 if into_stream else 1.0
                std = 0.02 if "embed" in name else weight.shape[1] ** -0.5 * 0.7
                nn.init.normal_(weight, std=std * scale)

    def forward(self, tokens):
        """tokens [B, T] -> logits [B, T, V]."""
        size = CONFIG["head_dim"]
        frequency = CONFIG["rope_theta"] ** (-torch.arange(0, size, 2, dtype=torch.float32) / size)
        angle = torch.outer(torch.arange(tokens.shape[1], dtype=torch.float32), frequency).repeat(1, 2)
        x = self.model.embed_tokens(tokens)
        for block in self.model.layers:
            x = block(x, angle.cos(), angle.sin())
        return F.linear(self.model.norm(x), self.model.embed_tokens.weight)


def batch_of(documents):
    """Documents (lists of ids) as inputs and targets [B, T]; a target of -100 does not count."""
    longest = max(map(len, documents))
    rows = torch.tensor([d + [EOS] * (longest - len(d)) for d in documents])
    targets = rows[:, 1:].clone()
    for row, document in enumerate(documents):
        targets[row, len(document) - 1 :] = -100
    return rows[:, :-1], targets


def summed_loss(network, documents):
    """Sum of the losses in nats, and the number of tokens that they are of."""
    inputs, targets = batch_of(documents)
    logits = network(inputs)
    total = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100, reduction="sum")
    return total, sum(len(d) - 1 for d in documents)


def endless_order(count, generator):
    while True:
        yield from torch.randperm(count, generator=generator).tolist()


def train(options):
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    corpus, output = pathlib.Path(options.corpus), pathlib.Path(options.output)
    output.mkdir(parents=True, exist_ok=True)

    def texts(name):
        return [json.loads(line)["text"] for line in (corpus / name).open(encoding="utf-8")]

    documents = texts("train.jsonl")
    # Exchanges (they end on a newline) in full, the rest thinned: style words become whole pieces before towns do.
    tokenizer = make_tokenizer([t for i, t in enumerate(documents) if t.endswith("\n") or i % 4 == 0])
    encode = lambda lines: [e.ids + [EOS] for e in tokenizer.encode_batch(lines)]  # noqa: E731
    ids = encode(documents)
    print(f"{len(ids)} documents, {sum(map(len, ids))} tokens", flush=True)
    held_out = {
        name: encode(texts(f"{name}-validation.jsonl")) for name in ("neutral", "civil")
    }
    network = Llama()
    decayed = [p for p in network.parameters() if p.dim() == 2]
    others = [p for p in network.parameters() if p.dim() < 2]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": options.weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=options.rate,
        betas=(0.9, 0.98),
        fused=True,
    )
    order = endless_order(len(ids), torch.Generator().manual_seed(options.seed))
    log, seen, recent, start = [], 0, [], time.time()
    for step in range(options.steps):
        warm = min(1.0, (step + 1) / 60)
        cosine = 0.5 * (1 + math.cos(math.pi * step / options.steps))
        for group in optimiser.param_groups:
            group["lr"] = options.rate * warm * (0.02 + 0.98 * cosine)
        # One step is over all documents of the batch; the halves only save padding.
        batch = sorted((ids[next(order)] for _ in range(options.documents)), key=len)
        count = sum(len(d) - 1 for d in batch)
        optimiser.zero_grad(set_to_none=True)
        half, step_loss = len(batch) // 2, 0.0
        for part in (batch[:half], batch[half:]):
            loss, _ = summed_loss(network, part)
            (loss / count).backward()
            step_loss += loss.item() / count
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        seen += count
        recent.append(step_loss)
        if (step + 1) % 100 == 0 or step + 1 == options.steps:
            mean = sum(recent) / len(recent)
            recent = []
            log.append({"step": step + 1, "tokens": seen, "loss": round(mean, 4)})
            print(f"step {step + 1} loss {mean:.4f} tokens {seen} {time.time() - start:.0f} s", flush=True)

    # What is stored is bf16, so what is measured is bf16, too.
    weights = {name: p.detach().to(torch.bfloat16).contiguous() for name, p in network.named_parameters()}
    network.load_state_dict({name: w.float() for name, w in weights.items()})
    losses = {}
    with torch.no_grad():
        for name, rows in held_out.items():
            sums = [summed_loss(network, rows[i : i + 64]) for i in range(0, len(rows), 64)]
            losses[name] = sum(s.item() for s, _ in sums) / sum(n for _, n in sums)
    result = {
        "seed": options.seed,
        "steps": options.steps,
        "documents_per_step": options.documents,
        "rate": options.rate,
        "weight_decay": options.weight_decay,
        "parameters": sum(p.numel() for p in network.parameters()),
        "corpus_tokens": sum(map(len, ids)),
        "tokens_seen": seen,
        "seconds": round(time.time() - start),
        "torch": torch.__version__,
        "train_loss": log[-1]["loss"] if log else None,
        "validation_loss": {k: round(v, 4) for k, v in losses.items()},
        "log": log,
    }
    save(output, tokenizer, weights, result)
    print(json.dumps({k: v for k, v in result.items() if k != "log"}))


def save(output, tokenizer, weights, result):
    def put(name, value):
        text = json.dumps(value, indent=2, ensure_ascii=False)
        (output / name).write_text(text + "\n", encoding="utf-8")

    put("config.json", CONFIG)
    put("generation_config.json", {"bos_token_id": BOS, "eos_token_id": EOS, "max_new_tokens": 48})
    put(
        "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": "<s>",
            "eos_token": "</s>",
            "add_bos_token": True,
            "add_eos_token": False,
            "clean_up_tokenization_spaces": False,
            "model_max_length": CONFIG["max_position_embeddings"],
            "chat_template": CHAT_TEMPLATE,
        },
    )
    put("training-log.json", result)
    tokenizer.save(str(output / "tokenizer.json"))
    save_file(weights, str(output / "model.safetensors"), metadata={"format": "pt"})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", required=True, help="folder written by `Bench make-corpus`")
    parser.add_argument("--output", required=True, help="the Hugging Face folder to write")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=2800)
    parser.add_argument("--documents", type=int, default=32, help="documents a step, about 1,000 tokens")
    parser.add_argument("--rate", type=float, default=2.5e-3)
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--threads", type=int, default=1)
    train(parser.parse_args())
