"""Reads what ExportTests wrote with the programs that users have: transformers, peft, safetensors, gguf.

    SURGEON_EXPORTS=FOLDER swift test --filter writesExportsForTheOracle
    python check_exports.py FOLDER
"""

import sys
from pathlib import Path

import torch
from gguf import GGUFReader
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

root = Path(sys.argv[1])
torch.manual_seed(0)
for case in ("llama-f32", "llama-bf16", "gpt2-f32"):
    folder = root / case
    dtype = torch.bfloat16 if "bf16" in case else torch.float32
    load = lambda name: AutoModelForCausalLM.from_pretrained(folder / name, dtype=dtype)
    base, edited = load("base"), load("edited")
    adapted = PeftModel.from_pretrained(load("base"), str(folder / "adapter"))
    merged = adapted.merge_and_unload().state_dict()
    moved = 0
    worst = 0.0
    for name, value in edited.state_dict().items():
        old, new, peft = base.state_dict()[name].float(), value.float(), merged[name].float()
        moved += int((old != new).any(dim=-1).sum())
        worst = max(worst, float((new - peft).abs().max()))
        assert torch.equal(old == new, old == peft) or dtype != torch.float32, name
    limit = 1e-6 if dtype == torch.float32 else 2**-9
    assert moved > 0 and worst <= limit, (case, moved, worst)
    ids = torch.randint(0, 50, (2, 9))
    fresh = PeftModel.from_pretrained(load("base"), str(folder / "adapter"))
    with torch.no_grad():
        gap = float((edited(ids).logits - fresh(ids).logits).abs().max())
        effect = float((edited(ids).logits - base(ids).logits).abs().max())
    assert gap <= (1e-5 if dtype == torch.float32 else 5e-2) and effect > gap, (case, gap, effect)
    patch = load_file(folder / "edit.patch.safetensors")
    assert sum(v.numel() for k, v in patch.items() if k.startswith("rows.")) >= 4
    print(f"{case}: {moved} rows moved, merged weights differ by {worst:.2g}, logits by {gap:.2g} of {effect:.2g}")

reader = GGUFReader(root / "vector.gguf")
text = lambda key: bytes(reader.fields[key].parts[-1]).decode()
assert text("general.architecture") == "controlvector" and text("controlvector.model_hint") == "llama"
assert int(reader.fields["controlvector.layer_count"].parts[-1][0]) == 5
assert [t.name for t in reader.tensors] == ["direction.1", "direction.2", "direction.5"]
assert all(t.tensor_type.name == "F32" and list(t.shape) == [16] for t in reader.tensors)
print("vector.gguf:", {t.name: round(float((t.data**2).sum() ** 0.5), 4) for t in reader.tensors})
