"""llama.cpp through its Python package, on a checkpoint of the Llama layout.
Usage: llama_cpp_peer.py convert MODEL f32|bf16 OUT.gguf
       llama_cpp_peer.py hidden OUT.gguf TEXTS LENGTH     a batch of texts; logits of each text's last token only
       llama_cpp_peer.py generate OUT.gguf TEXTS NEW      steps from one token a text, greedy
env THREADS, RUNS. Tokens are random ids; no vocabulary is written. Both jobs print tokens a second."""
import json, os, sys, time, statistics
from pathlib import Path
import numpy

NAMES = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
         "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
         "post_attention_layernorm": "ffn_norm"}


def renamed(name):
    whole = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight", "lm_head.weight": "output.weight"}
    if name in whole:
        return whole[name]
    block, rest = name.removeprefix("model.layers.").split(".", 1)
    return f"blk.{block}.{NAMES[rest.removesuffix('.weight')]}.weight"


def convert(folder, kind, out):
    import gguf, torch
    from safetensors import safe_open
    config = json.loads((Path(folder) / "config.json").read_text())
    heads, kv = config["num_attention_heads"], config["num_key_value_heads"]
    theta = config.get("rope_theta") or config.get("rope_parameters", {}).get("rope_theta", 10000.0)
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_vocab_size(config["vocab_size"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv)
    writer.add_rope_dimension_count(config["hidden_size"] // heads)
    writer.add_rope_freq_base(theta)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_tokenizer_model("none")
    with safe_open(str(Path(folder) / "model.safetensors"), "pt") as file:
        for name in file.keys():
            value = file.get_tensor(name).float()
            if "q_proj" in name or "k_proj" in name:  # llama.cpp rotates neighbours, the checkpoint halves
                n = heads if "q_proj" in name else kv
                value = value.reshape(n, 2, value.shape[0] // n // 2, value.shape[1]).swapaxes(1, 2).reshape(value.shape)
            if kind == "f32" or value.dim() == 1:
                writer.add_tensor(renamed(name), value.contiguous().numpy())
            else:
                bits = value.to(torch.bfloat16).contiguous().view(torch.int16).numpy().view(numpy.uint8)
                writer.add_tensor(renamed(name), bits, raw_dtype=gguf.GGMLQuantizationType.BF16)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    import llama_cpp
    job, path, texts, length = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    threads, runs = int(os.environ.get("THREADS", "2")), int(os.environ.get("RUNS", "3"))
    quiet = llama_cpp.llama_log_callback(lambda level, text, data: None)
    llama_cpp.llama_log_set(quiet, None)
    settings = llama_cpp.llama_model_default_params()
    settings.n_gpu_layers = 0
    model = llama_cpp.llama_model_load_from_file(path.encode(), settings)
    if not model:
        sys.exit("llama.cpp does not load " + path)
    vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
    settings = llama_cpp.llama_context_default_params()
    settings.n_ctx = texts * max(256, length + 1)  # a text's share of the cache is padded to 256 places
    settings.n_batch = settings.n_ubatch = max(texts * (length if job == "hidden" else 1), 32)
    settings.n_seq_max = texts
    settings.n_threads = settings.n_threads_batch = threads
    context = llama_cpp.llama_init_from_model(model, settings)
    if not context:
        sys.exit("llama.cpp makes no context for " + path)
    batch = llama_cpp.llama_batch_init(settings.n_batch, 0, texts)
    random = numpy.random.default_rng(0)
    ids = random.integers(3, vocabulary, (texts, length))

    def decode(tokens, position, last):
        count = 0
        for text, row in enumerate(tokens):
            for i, token in enumerate(row):
                batch.token[count], batch.pos[count], batch.n_seq_id[count] = int(token), position + i, 1
                batch.seq_id[count][0], batch.logits[count] = text, int(not last or i == len(row) - 1)
                count += 1
        batch.n_tokens = count
        start = time.perf_counter()
        if llama_cpp.llama_decode(context, batch) != 0:
            sys.exit("llama_decode fails")
        llama_cpp.llama_synchronize(context)
        return time.perf_counter() - start

    rates = []
    for run in range(-1, runs):
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(context), True)
        if job == "hidden":
            seconds = decode(ids, 0, True)
        else:
            row, seconds = ids[:, :1], 0.0
            for step in range(length):
                seconds += decode(row, step, True)
                start = time.perf_counter()
                logits = [numpy.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(context, i), (vocabulary,)) for i in range(texts)]
                row = [[int(one.argmax())] for one in logits]
                seconds += time.perf_counter() - start
        if run >= 0:
            rates.append(texts * length / seconds)
    print(json.dumps({"job": job, "texts": texts, "length": length, "tok_s": statistics.median(rates), "rates": rates,
                      "system": llama_cpp.llama_print_system_info().decode()}))


if sys.argv[1] == "convert":
    convert(sys.argv[2], sys.argv[3], sys.argv[4])
    print(json.dumps({"converted": sys.argv[4]}))
else:
    main()
