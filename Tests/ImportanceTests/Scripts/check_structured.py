"""Loads what StructuredTests wrote in transformers: the smaller model must compute what the masked original does.

    SURGEON_STRUCTURED=FOLDER swift test --filter equalsTheMaskedOriginal
    python check_structured.py FOLDER    (torch, transformers)  writes ../Fixtures/structured.json

Printed and recorded: the largest |difference| of the logits (of the last hidden states of encoders) over max(1, the largest magnitude).
"""

import json
import pathlib
import sys

import torch
import transformers

torch.manual_seed(0)
root = pathlib.Path(sys.argv[1])
ids = torch.tensor([[1, 5, 9, 3, 7, 30, 12]])
results = {}
for folder in sorted(root.iterdir()):
    if not (folder / "cut").exists():
        continue
    config = transformers.AutoConfig.from_pretrained(folder / "cut")
    encoder = config.model_type in ("bert", "roberta", "distilbert")
    kind = transformers.AutoModel if encoder else transformers.AutoModelForCausalLM

    def run(name):
        model, report = kind.from_pretrained(
            folder / name, dtype=torch.float32, attn_implementation="eager", output_loading_info=True,
            # Its grouped product of experts asks for widths in steps of 16 bytes, which these tiny ones do not have.
            **({"experts_implementation": "eager"} if hasattr(config, "num_experts_per_tok") else {}))
        missing = {key for key in report["missing_keys"] if not key.startswith("pooler.")}
        assert not missing and not report["mismatched_keys"], report
        model.eval()
        with torch.no_grad():
            out = model(input_ids=ids)
        return (out.last_hidden_state if encoder else out.logits), sum(p.numel() for p in model.parameters())

    (masked, before), (cut, after) = run("masked"), run("cut")
    error = float((masked - cut).abs().max() / max(1.0, float(masked.abs().max())))
    results[folder.name] = {"error": error, "parameters_masked": before, "parameters_cut": after}
    print(f"{folder.name:32} {error:.1e}  {before} -> {after} parameters")
    assert after < before and error < 1e-5, folder.name
out = pathlib.Path(__file__).parent.parent / "Fixtures" / "structured.json"
record = {"transformers": transformers.__version__, "torch": torch.__version__, "cases": results}
out.write_text(json.dumps(record, indent=1) + "\n")
