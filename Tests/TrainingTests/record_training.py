"""Records what PyTorch makes of an MLP: every gradient of the first step and ten losses, for each optimiser (f32, one thread).

    python Tests/TrainingTests/record_training.py

The initial weights come from the same counter-based numbers as Surgeon's (uniform in ±1/√inputs), the data too; so only
losses and sums are stored. Writes Fixtures/training.json."""

import json
import math
from pathlib import Path

import torch

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


class CounterRandom:
    def __init__(self, seed=None, stream="", key=None):
        if key is None:
            value = 0xCBF29CE484222325
            for byte in stream.encode():
                value = ((value ^ byte) * 0x100000001B3) & MASK
            key = mix(mix((seed + GOLDEN) & MASK) ^ value)
        self.key, self.counter = key, 0

    def stream(self, index):
        return CounterRandom(key=mix(self.key ^ mix((index + GOLDEN) & MASK)))

    def uniform(self):
        self.counter += 1
        return (mix((self.key + self.counter * GOLDEN) & MASK) >> 11) * 2.0 ** -53


WIDTHS, ROWS, STEPS = [7, 11, 6, 4], 9, 10


def network(activation):
    random = CounterRandom(3, "initial-weights")
    layers = []
    for index in range(1, len(WIDTHS)):
        stream = random.stream(index)
        layer = torch.nn.Linear(WIDTHS[index - 1], WIDTHS[index])
        bound = 1 / math.sqrt(WIDTHS[index - 1])
        with torch.no_grad():
            for tensor in (layer.weight, layer.bias):
                values = [(2 * stream.uniform() - 1) * bound for _ in range(tensor.numel())]
                tensor.copy_(torch.tensor(values, dtype=torch.float64).float().reshape(tensor.shape))
        layers.append(layer)
        if index < len(WIDTHS) - 1:
            layers.append(activation())
    return torch.nn.Sequential(*layers)


def data():
    stream = CounterRandom(5, "data")
    x = torch.tensor([2 * stream.uniform() - 1 for _ in range(ROWS * WIDTHS[0])], dtype=torch.float64)
    soft = torch.tensor([stream.uniform() for _ in range(ROWS * WIDTHS[-1])], dtype=torch.float64)
    soft = soft.reshape(ROWS, WIDTHS[-1])
    return x.float().reshape(ROWS, WIDTHS[0]), (soft / soft.sum(1, keepdim=True)).float()


class DiffGrad(torch.optim.Optimizer):
    """arXiv 1909.11015 with the previous gradient copied, from its equations."""

    def __init__(self, parameters, lr):
        super().__init__(parameters, dict(lr=lr))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                s = self.state[p]
                if not s:
                    s.update(t=0, m=torch.zeros_like(p), v=torch.zeros_like(p), g=torch.zeros_like(p))
                s["t"] += 1
                xi = 1 / (1 + torch.exp(-(s["g"] - p.grad).abs()))
                s["g"] = p.grad.clone()
                s["m"].mul_(0.9).add_(p.grad, alpha=0.1)
                s["v"].mul_(0.999).addcmul_(p.grad, p.grad, value=0.001)
                rate = group["lr"] * math.sqrt(1 - 0.999 ** s["t"]) / (1 - 0.9 ** s["t"])
                p.sub_(rate * xi * s["m"] / (s["v"].sqrt() + 1e-8))


def decayed(model):
    """Weight decay on weights only."""
    weights = [p for n, p in model.named_parameters() if n.endswith("weight")]
    biases = [p for n, p in model.named_parameters() if n.endswith("bias")]
    return [{"params": weights, "weight_decay": 0.01}, {"params": biases, "weight_decay": 0.0}]


OPTIMISERS = {
    "sgd": lambda m: torch.optim.SGD(decayed(m), lr=0.5, momentum=0.9, nesterov=True),
    "adam": lambda m: torch.optim.Adam(decayed(m), lr=0.05),
    "adamw": lambda m: torch.optim.AdamW(decayed(m), lr=0.05),
    "adagrad": lambda m: torch.optim.Adagrad(m.parameters(), lr=0.1),
    "diffgrad": lambda m: DiffGrad(m.parameters(), lr=0.05),
}
ACTIVATIONS = {
    "relu": torch.nn.ReLU, "silu": torch.nn.SiLU, "gelu": torch.nn.GELU,
    "gelu_tanh": lambda: torch.nn.GELU(approximate="tanh"), "tanh": torch.nn.Tanh,
}


def loss_of(model, x, t):
    return -(t * torch.log_softmax(model(x), 1)).sum(1).mean()


def main():
    torch.set_num_threads(1)
    x, t = data()
    out = {"torch": torch.__version__, "widths": WIDTHS, "rows": ROWS, "gradients": {}, "losses": {}}
    for name, activation in ACTIVATIONS.items():
        model = network(activation)
        loss_of(model, x, t).backward()
        out["gradients"][name] = [p.grad.flatten().tolist() for p in model.parameters()]
    for name, make in OPTIMISERS.items():
        model = network(torch.nn.ReLU)
        optimiser = make(model)
        losses = []
        for _ in range(STEPS):
            optimiser.zero_grad()
            loss = loss_of(model, x, t)
            losses.append(loss.item())
            loss.backward()
            optimiser.step()
        out["losses"][name] = losses
    (Path(__file__).parent / "Fixtures").mkdir(exist_ok=True)
    (Path(__file__).parent / "Fixtures" / "training.json").write_text(json.dumps(out) + "\n")


if __name__ == "__main__":
    main()
