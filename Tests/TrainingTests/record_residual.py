"""Records what PyTorch makes of small residual networks: every gradient of the first step, ten losses of SGD, and the
running statistics after them (f32, one thread).

    python Tests/TrainingTests/record_residual.py

The initial weights and the data come from Surgeon's counter-based numbers. Writes Fixtures/residual.json."""

import json
import math
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F

from record_training import CounterRandom

ROWS, STEPS = 5, 10
CASES = {
    "signals": dict(item=[2, 13], classes=3, blocks=[1, 2], widths=[4, 6], order="before", stem=False, end=True),
    "images": dict(item=[3, 7, 6], classes=4, blocks=[1, 1], widths=[6, 9], order="before", stem=True, end=False),
    "behind": dict(item=[1, 6, 5], classes=3, blocks=[2, 1], widths=[5, 8], order="behind", stem=True, end=False),
}


def conv(flat, i, o, taps, stride):
    kind = nn.Conv1d if flat else nn.Conv2d
    return kind(i, o, taps, stride, taps // 2, bias=False)


class Block(nn.Module):
    def __init__(self, flat, i, o, stride, order):
        super().__init__()
        norm = nn.BatchNorm1d if flat else nn.BatchNorm2d
        self.order = order
        self.norm1 = norm(i if order == "before" else o)
        self.conv1 = conv(flat, i, o, 3, stride)
        self.norm2 = norm(o)
        self.conv2 = conv(flat, o, o, 3, 1)
        changes = stride != 1 or i != o
        self.shortcut = conv(flat, i, o, 1, stride) if changes else None
        self.shortcut_norm = norm(o) if changes and order == "behind" else None

    def forward(self, x):
        if self.order == "before":
            a = F.relu(self.norm1(x))
            beside = self.shortcut(a) if self.shortcut is not None else x
            return self.conv2(F.relu(self.norm2(self.conv1(a)))) + beside
        z = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(z + (self.shortcut_norm(self.shortcut(x)) if self.shortcut is not None else x))


class Network(nn.Module):
    def __init__(self, item, classes, blocks, widths, order, stem, end):
        super().__init__()
        self.flat = len(item) < 3
        norm = nn.BatchNorm1d if self.flat else nn.BatchNorm2d
        self.stem = conv(self.flat, item[0], widths[0], 3, 1)
        self.stem_norm = norm(widths[0]) if stem else None
        self.stages = nn.ModuleList()
        channels = widths[0]
        for stage, (n, width) in enumerate(zip(blocks, widths)):
            own = nn.ModuleList()
            for block in range(n):
                own.append(Block(self.flat, channels, width, 2 if stage > 0 and block == 0 else 1, order))
                channels = width
            self.stages.append(own)
        self.end_norm = norm(channels) if end else None
        self.head = nn.Linear(channels, classes)

    def forward(self, x):
        x = self.stem(x)
        if self.stem_norm is not None:
            x = F.relu(self.stem_norm(x))
        for stage in self.stages:
            for block in stage:
                x = block(x)
        if self.end_norm is not None:
            x = F.relu(self.end_norm(x))
        return self.head(x.flatten(2).mean(2))


def draw(tensor, stream, bound):
    values = [(2 * stream.uniform() - 1) * bound for _ in range(tensor.numel())]
    with torch.no_grad():
        tensor.copy_(torch.tensor(values, dtype=torch.float64).float().reshape(tensor.shape))


def he(layer, stream):
    draw(layer.weight, stream, math.sqrt(6 / layer.weight[0].numel()))


def initialise(model):
    random = CounterRandom(3, "initial-weights")
    he(model.stem, random.stream(0))
    index = 0
    for stage in model.stages:
        for block in stage:
            index += 1
            own = random.stream(index)
            he(block.conv1, own.stream(1))
            he(block.conv2, own.stream(2))
            if block.shortcut is not None:
                he(block.shortcut, own.stream(3))
    head = random.stream(index + 1)
    for tensor in (model.head.weight, model.head.bias):
        draw(tensor, head, 1 / math.sqrt(model.head.in_features))


def numbers(tensor):
    return [float(f"{v:.8g}") for v in tensor.detach().flatten().tolist()]


def main():
    torch.set_num_threads(1)
    out = {"torch": torch.__version__, "rows": ROWS, "cases": {}}
    for name, case in CASES.items():
        model = Network(**case)
        initialise(model)
        stream = CounterRandom(5, "data")
        x = torch.tensor([2 * stream.uniform() - 1 for _ in range(ROWS * math.prod(case["item"]))], dtype=torch.float64)
        x = x.float().reshape(ROWS, *case["item"])
        labels = torch.tensor([row % case["classes"] for row in range(ROWS)])
        weights = [p for p in model.parameters() if p.dim() > 1]
        rest = [p for p in model.parameters() if p.dim() == 1]
        optimiser = torch.optim.SGD(
            [{"params": weights, "weight_decay": 0.01}, {"params": rest}], lr=0.05, momentum=0.9, nesterov=True)
        losses, gradients = [], {}
        for step in range(STEPS):
            optimiser.zero_grad()
            loss = F.cross_entropy(model(x), labels)
            losses.append(loss.item())
            loss.backward()
            if step == 0:
                gradients = {n: numbers(p.grad) for n, p in model.named_parameters()}
            optimiser.step()
        running = {n: numbers(b) for n, b in model.named_buffers() if "running" in n}
        model.eval()
        out["cases"][name] = case | {
            "losses": losses, "gradients": gradients, "running": running, "logits": numbers(model(x)),
            "parameters": sum(p.numel() for p in model.parameters()),
        }
    (Path(__file__).parent / "Fixtures" / "residual.json").write_text(json.dumps(out) + "\n")


main()
