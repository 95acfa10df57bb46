r"""Makes the fixtures in Tests/Golden/models with Hugging Face Transformers.

Small seeded models, in the formats that are read. For each folder NAME:

    config.json, *.safetensors   as Transformers writes them (not for quantised weights)
    model.gguf                   the same weights as convert_hf_to_gguf of llama.cpp lays them out
    reference.json               what Transformers computes from these weights: a prompt, the logits
                                 after each of its tokens, and the greedy tokens that follow
    layout.json                  where each tensor lies in each file (some folders only)

and models/dequantisation.json, a few rows of every weight format and the numbers they mean.

The reference runs in float32 with plain ("eager") attention. Where a file holds rounded or quantised
weights, the reference has what gguf-py reads back from that very file.

A fixture that could not tell a mistake is refused: each model is also computed with one thing wrong (no
RoPE scaling, another epsilon, another window, no biases, ...), and logits must move by far more than
the tests tolerate.

Python 3.11; in a virtual environment:

    pip install torch==2.13.0 transformers==5.23.0 safetensors==0.8.0 gguf==0.19.0 numpy==2.4.6 \
        accelerate==1.15.0
    python make_models.py

The tests need no Python.
"""

import base64
import copy
import json
import math
import pathlib
import shutil

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM
from transformers import LlamaConfig, LlamaForCausalLM
from transformers import MistralConfig, MistralForCausalLM
from transformers import Qwen2Config, Qwen2ForCausalLM

MODELS = pathlib.Path(__file__).parent / "models"

PROMPT_TOKENS = 21
GREEDY_TOKENS = 12
# Two candidates for a greedy token must lie this far apart, so that rounding cannot swap them.
GREEDY_MARGIN = 0.05
# The tests tolerate 1e-5 of the largest logit; a mistake must move one by 100 times that.
MISTAKE = 1e-3

# Large enough to be felt: with the usual 1e-5 nobody would see a wrong epsilon.
EPSILON = 0.01
LLAMA3_SCALING = {
    # Pairs of a 12-wide head have wavelengths of 6, 18, 50, ... 1115 positions: the first is kept, the
    # second is on the ramp, four are divided.
    "rope_type": "llama3", "rope_theta": 500.0, "factor": 8.0, "low_freq_factor": 1.0,
    "high_freq_factor": 4.0, "original_max_position_embeddings": 32,
}


# Models


def llama_config(**changes):
    sizes = dict(
        vocab_size=128, hidden_size=64, intermediate_size=96, num_hidden_layers=2,
        num_attention_heads=8, num_key_value_heads=2, head_dim=12, max_position_embeddings=256,
        rms_norm_eps=EPSILON, rope_parameters=LLAMA3_SCALING, tie_word_embeddings=False,
        bos_token_id=1, eos_token_id=2)
    return LlamaConfig(**(sizes | changes))


def wide_llama_config():
    """Rows of 256, which K-quants need; cut at 128 by two shards."""
    return llama_config(
        vocab_size=96, hidden_size=256, intermediate_size=256, num_attention_heads=8,
        num_key_value_heads=2, head_dim=32,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0})


def qwen2_config():
    return Qwen2Config(
        vocab_size=128, hidden_size=64, intermediate_size=96, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256,
        rms_norm_eps=EPSILON, rope_parameters={"rope_type": "default", "rope_theta": 1000000.0},
        use_sliding_window=False, tie_word_embeddings=True, bos_token_id=1, eos_token_id=2)


def mistral_config():
    return MistralConfig(
        vocab_size=96, hidden_size=48, intermediate_size=80, num_hidden_layers=3,
        num_attention_heads=4, num_key_value_heads=2, head_dim=8, max_position_embeddings=256,
        rms_norm_eps=EPSILON, rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        sliding_window=7, tie_word_embeddings=False, bos_token_id=1, eos_token_id=2)


CLASSES = {
    LlamaConfig: LlamaForCausalLM, Qwen2Config: Qwen2ForCausalLM, MistralConfig: MistralForCausalLM}


def build(config, weights):
    """A model with these weights (name to float32 array), ready to run."""
    config = copy.deepcopy(config)
    config._attn_implementation = "eager"
    config.use_cache = False
    model = CLASSES[type(config)](config).float().eval()
    state = {name: torch.from_numpy(np.ascontiguousarray(w)) for name, w in weights.items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected, unexpected
    assert set(missing) <= ({"lm_head.weight"} if config.tie_word_embeddings else set()), missing
    model.tie_weights()
    return model


def random_weights(config, seed):
    """Seeded weights that make attention pick and logits spread, as training does."""
    rng = np.random.default_rng(seed)
    with torch.device("meta"):
        model = CLASSES[type(config)](config)
    weights = {}
    for name, parameter in sorted(model.state_dict().items()):
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        shape = tuple(parameter.shape)
        noise = rng.standard_normal(shape)
        if name.endswith("norm.weight"):
            values = 1 + 0.3 * noise
        elif name.endswith(".bias"):
            values = 0.5 * noise
        elif name == "model.embed_tokens.weight":
            # A tied embedding is the head as well: its rows give logits of about 3.
            values = noise * (3 / math.sqrt(shape[1]) if config.tie_word_embeddings else 1)
        else:
            gain = 1.0
            if name.endswith(("q_proj.weight", "k_proj.weight")):
                gain = 1.5
            elif name == "lm_head.weight":
                gain = 3.0
            values = noise * (gain / math.sqrt(shape[1]))
        weights[name] = values.astype(np.float32)
    return weights


def prompt(config, seed):
    rng = np.random.default_rng(seed)
    return [int(token) for token in rng.integers(0, config.vocab_size, PROMPT_TOKENS)]


@torch.no_grad()
def logits(model, tokens):
    """Logits after each token, [tokens, vocabulary]."""
    return model(torch.tensor([tokens])).logits[0].float().numpy()


def greedy(model, tokens):
    """Greedy tokens, and how far the closest was from another choice."""
    tokens, margin = list(tokens), math.inf
    for _ in range(GREEDY_TOKENS):
        row = logits(model, tokens)[-1]
        second, first = np.sort(row)[-2:]
        margin = min(margin, float(first - second))
        tokens.append(int(row.argmax()))
    return tokens[-GREEDY_TOKENS:], margin


# Mistakes that the fixtures must tell


def mistakes(config, weights):
    """The model with one thing wrong: (what, configuration, weights)."""
    def changed(**fields):
        other = copy.deepcopy(config)
        for name, value in fields.items():
            setattr(other, name, value)
        return other

    rope = config.rope_parameters
    if rope["rope_type"] == "llama3":
        plain = {"rope_type": "default", "rope_theta": rope["rope_theta"]}
        yield "no RoPE scaling", changed(rope_parameters=plain), weights
        for key in ["factor", "low_freq_factor", "high_freq_factor"]:
            other = rope | {key: rope[key] * 1.25}
            yield f"another {key}", changed(rope_parameters=other), weights
    other = rope | {"rope_theta": rope["rope_theta"] * 1.25}
    yield "another RoPE base", changed(rope_parameters=other), weights
    yield "another epsilon", changed(rms_norm_eps=config.rms_norm_eps * 1.25), weights
    if isinstance(config, MistralConfig):
        for window in [config.sliding_window - 1, config.sliding_window + 1, None]:
            yield f"window {window}", changed(sliding_window=window), weights
    for kind in ["q_proj.bias", "k_proj.bias", "v_proj.bias"]:
        if any(name.endswith(kind) for name in weights):
            yield f"no {kind}", config, {
                name: values * 0 if name.endswith(kind) else values
                for name, values in weights.items()}


def telling_prompt(model, config, seed):
    """The first of the seed's prompts whose greedy tokens are clear and not dull.

    Gives the prompt, the tokens, and how far the closest was from another choice.
    """
    for attempt in range(100):
        tokens = prompt(config, 1000 * seed + attempt)
        text, margin = greedy(model, tokens)
        if margin > GREEDY_MARGIN and len(set(text)) >= GREEDY_TOKENS // 2:
            return tokens, text, margin
    raise SystemExit(f"seed {seed}: no prompt is good; take another seed")


def check_loads(folder, weights, **place):
    """Transformers itself must find the same weights, and read the same configuration, in the files."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **place)
    found = model.state_dict()
    for name, values in weights.items():
        assert np.array_equal(found[name].numpy(), values), f"{folder.name}: {name} differs"
    return model


def write_reference(folder, config, weights, seed):
    model = build(config, weights)
    tokens, text, margin = telling_prompt(model, config, seed)
    rows = logits(model, tokens)
    largest = float(np.abs(rows).max())
    if (folder / "config.json").exists():
        loaded = check_loads(folder, weights, attn_implementation="eager")
        assert np.array_equal(logits(loaded, tokens), rows), f"{folder.name}: config.json differs"
    if (folder / "model.gguf").exists():
        # Of a GGUF file it reads the weights right, but not the RoPE scaling: no logits here. It takes
        # the number of tokens from the tokenizer, which is not there, so it is told.
        check_loads(folder, weights, gguf_file="model.gguf", config=config)
    smallest = math.inf
    for what, other_config, other_weights in mistakes(config, weights):
        moved = float(np.abs(logits(build(other_config, other_weights), tokens) - rows).max())
        assert moved > MISTAKE * largest, f"{folder.name} cannot tell '{what}': {moved}"
        smallest = min(smallest, moved / largest)
    document = {
        "prompt": tokens,
        "greedy": text,
        # float32, little-endian, [prompt tokens, vocabulary], in base 64.
        "logits": base64.b64encode(rows.astype("<f4").tobytes()).decode(),
    }
    (folder / "reference.json").write_text(json.dumps(document, indent=1) + "\n")
    print(f"{folder.name}: logits up to {largest:.2f}, spread {rows.std():.2f}, margin {margin:.3f}, "
          f"smallest mistake {smallest:.1e} of the largest logit")


# Safetensors


def write_config(folder, config, dtype, old_form):
    """config.json as Transformers 5 writes it, or with the RoPE keys that Transformers 4 wrote."""
    config = copy.deepcopy(config)
    config.architectures = [CLASSES[type(config)].__name__]
    config.dtype = dtype
    config.save_pretrained(folder)
    path = folder / "config.json"
    keys = json.loads(path.read_text())
    if old_form:
        rope = keys.pop("rope_parameters")
        keys["rope_theta"] = rope.pop("rope_theta")
        keys["rope_scaling"] = None if rope["rope_type"] == "default" else rope
        keys["torch_dtype"] = keys.pop("dtype")
        keys["transformers_version"] = "4.57.1"
    path.write_text(json.dumps(dict(sorted(keys.items())), indent=2) + "\n")


def write_safetensors(folder, config, weights, dtype=torch.float32, shards=1):
    state = {name: torch.from_numpy(values).to(dtype) for name, values in weights.items()}
    if shards == 1:
        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
        return
    names = sorted(state)
    size = (len(names) + shards - 1) // shards
    places = {}
    for shard in range(shards):
        file = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        part = names[shard * size:(shard + 1) * size]
        save_file({name: state[name] for name in part}, folder / file, metadata={"format": "pt"})
        places |= {name: file for name in part}
    total = sum(tensor.numel() * tensor.element_size() for tensor in state.values())
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(places.items()))}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n")


# GGUF


def permuted(weights, heads):
    """Q or K rows as convert_hf_to_gguf stores them for `llama`: halves of a head interleaved."""
    rows = weights.shape[0]
    return (weights.reshape(heads, 2, rows // heads // 2, *weights.shape[1:])
            .swapaxes(1, 2).reshape(weights.shape))


def unpermuted(weights, heads):
    rows = weights.shape[0]
    return (weights.reshape(heads, rows // heads // 2, 2, *weights.shape[1:])
            .swapaxes(1, 2).reshape(weights.shape))


def heads_to_permute(config, name):
    """Heads of a Q or K tensor that GGUF permutes; None for every other."""
    if isinstance(config, LlamaConfig):
        if ".q_proj." in name:
            return config.num_attention_heads
        if ".k_proj." in name:
            return config.num_key_value_heads
    return None


def rope_factors(config):
    """`rope_freqs.weight`: one divisor a pair, as convert_hf_to_gguf computes it for llama3."""
    rope = config.rope_parameters
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    context = rope["original_max_position_embeddings"]
    dim = config.head_dim
    frequencies = 1.0 / (rope["rope_theta"] ** (torch.arange(0, dim, 2, dtype=torch.float32) / dim))
    factors = []
    for frequency in frequencies:
        wavelength = 2 * math.pi / frequency
        if wavelength < context / high:
            factors.append(1)
        elif wavelength > context / low:
            factors.append(rope["factor"])
        else:
            smooth = (context / wavelength - low) / (high - low)
            factors.append(1 / ((1 - smooth) / rope["factor"] + smooth))
    return np.array(factors, dtype=np.float32)


def random_blocks(type, rows, columns, deviation, rng):
    """Valid blocks with any quants, and scales that give weights of a standard deviation.

    gguf-py does not quantise to these types, so the weights are made from the blocks.
    """
    elements, size = gguf.GGML_QUANT_SIZES[type]
    count = rows * columns // elements
    data = rng.integers(0, 256, (count, size), dtype=np.uint8)
    spread = 0.5 + rng.random(count)

    def put(offset, scales):
        data[:, offset:offset + 2] = scales.astype("<f2")[:, None].view(np.uint8)

    def scale_by(factor):
        if type == Type.Q6_K:
            put(208, spread * factor)
        else:
            # d · 6-bit scale · quant − dmin · 6-bit minimum, which is zero on average.
            levels = {Type.Q4_K: 15, Type.Q5_K: 31}[type]
            put(0, spread * factor)
            put(2, spread * factor * levels / 2)
        return data.reshape(rows, columns // elements * size)

    unscaled = gguf.quants.dequantize(scale_by(1), type)
    return scale_by(deviation / float(unscaled.std()))


def stored(values, type):
    """Bytes of a tensor in a type, [rows, bytes of a row]."""
    if type == Type.F32:
        return values.astype(np.float32)
    if type == Type.F16:
        return values.astype(np.float16)
    return gguf.quants.quantize(values, type)


def write_gguf(folder, config, weights, types):
    """model.gguf; gives the weights that it means.

    `types` maps a Transformers tensor name to the type of its matrix, or to (type, bytes).
    """
    architecture = {LlamaConfig: "llama", Qwen2Config: "qwen2"}[type(config)]
    writer = gguf.GGUFWriter(folder / "model.gguf", architecture)
    head_size = getattr(config, "head_dim", None)
    head_size = head_size or config.hidden_size // config.num_attention_heads
    writer.add_name(folder.name)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    if architecture == "llama":
        writer.add_vocab_size(config.vocab_size)
        writer.add_rope_dimension_count(head_size)
        writer.add_key_length(head_size)
        writer.add_value_length(head_size)

    names = gguf.get_tensor_name_map(
        gguf.MODEL_ARCH.LLAMA if architecture == "llama" else gguf.MODEL_ARCH.QWEN2,
        config.num_hidden_layers)
    if config.rope_parameters["rope_type"] == "llama3":
        writer.add_tensor("rope_freqs.weight", rope_factors(config))
    meant = {}
    for name, values in weights.items():
        stem, suffix = name.rsplit(".", 1)
        heads = heads_to_permute(config, name)
        if values.ndim == 1:
            # Norms and biases stay float32. (A permuted bias: no llama here has one.)
            data, kind, meant[name] = values, Type.F32, values
        else:
            choice = types(name)
            if isinstance(choice, tuple):
                kind, data = choice
            else:
                kind = choice
                data = stored(permuted(values, heads) if heads else values, kind)
            read = gguf.quants.dequantize(data, kind) if kind != Type.F32 else data
            read = read.reshape(values.shape).astype(np.float32)
            meant[name] = unpermuted(read, heads) if heads else read
        writer.add_tensor(f"{names.get_name(stem)}.{suffix}", data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return meant


# Layouts, from the libraries' own readers


def gguf_layout(path):
    tensors = []
    for tensor in gguf.GGUFReader(path).tensors:
        elements, size = gguf.GGML_QUANT_SIZES[tensor.tensor_type]
        tensors.append({
            "name": tensor.name, "file": path.name, "offset": int(tensor.data_offset),
            "shape": [int(n) for n in reversed(tensor.shape)],
            "blockElements": elements, "blockBytes": size})
    return tensors


def safetensors_layout(path):
    with path.open("rb") as file:
        header_bytes = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(header_bytes))
    tensors = []
    with safe_open(path, "pt") as reader:
        for name in reader.keys():
            tensor = reader.get_tensor(name)
            tensors.append({
                "name": name, "file": path.name,
                "offset": 8 + header_bytes + header[name]["data_offsets"][0],
                "shape": list(tensor.shape), "blockElements": 1,
                "blockBytes": tensor.element_size()})
    return tensors


def write_layout(folder, tensors):
    lines = ",\n".join(" " + json.dumps(tensor) for tensor in tensors)
    (folder / "layout.json").write_text(f"[\n{lines}\n]\n")


# Fixtures


def fresh(name):
    folder = MODELS / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def make_llama():
    """Both formats in float32 must give the same logits: one reference for both."""
    folder, config = fresh("llama"), llama_config()
    weights = random_weights(config, seed=1)
    write_config(folder, config, "float32", old_form=False)
    write_safetensors(folder, config, weights)
    meant = write_gguf(folder, config, weights, lambda name: Type.F32)
    assert all(np.array_equal(meant[name], weights[name]) for name in weights)
    write_reference(folder, config, weights, seed=1)


def make_llama_bfloat16():
    folder, config = fresh("llama-bf16"), llama_config()
    weights = {
        name: torch.from_numpy(values).to(torch.bfloat16).float().numpy()
        for name, values in random_weights(config, seed=2).items()}
    write_config(folder, config, "bfloat16", old_form=True)
    write_safetensors(folder, config, weights, dtype=torch.bfloat16, shards=3)
    write_reference(folder, config, weights, seed=2)
    write_layout(folder, [
        tensor for path in sorted(folder.glob("*.safetensors"))
        for tensor in safetensors_layout(path)])


def make_llama_quantised(kind, seed):
    folder, config = fresh(f"llama-{kind.name.lower()}"), llama_config()
    meant = write_gguf(folder, config, random_weights(config, seed), lambda name: kind)
    write_reference(folder, config, meant, seed)
    if kind == Type.Q4_1:
        write_layout(folder, gguf_layout(folder / "model.gguf"))


def make_llama_k_quants(seed):
    """Every K-quant in every place, as far as two layers go; two shards cut their blocks."""
    folder, config = fresh("llama-k-quants"), wide_llama_config()
    rng = np.random.default_rng(seed)
    weights = random_weights(config, seed)
    kinds = [Type.Q4_K, Type.Q5_K, Type.Q6_K]
    places = [name for name in sorted(weights) if weights[name].ndim == 2]

    def blocks(name):
        kind = kinds[places.index(name) % 3]
        rows, columns = weights[name].shape
        return kind, random_blocks(kind, rows, columns, float(weights[name].std()), rng)

    meant = write_gguf(folder, config, weights, blocks)
    write_reference(folder, config, meant, seed)
    write_layout(folder, gguf_layout(folder / "model.gguf"))


def make_qwen2():
    """float32 safetensors and a float16 GGUF of weights that float16 holds: one reference for both."""
    folder, config = fresh("qwen2"), qwen2_config()
    weights = {
        name: values.astype(np.float16).astype(np.float32)
        for name, values in random_weights(config, seed=5).items()}
    write_config(folder, config, "float32", old_form=False)
    write_safetensors(folder, config, weights)
    meant = write_gguf(folder, config, weights, lambda name: Type.F16)
    assert all(np.array_equal(meant[name], weights[name]) for name in weights)
    write_reference(folder, config, weights, seed=5)
    write_layout(folder, safetensors_layout(folder / "model.safetensors"))


def make_mistral():
    """Its window is a third of the prompt."""
    folder, config = fresh("mistral"), mistral_config()
    weights = random_weights(config, seed=6)
    write_config(folder, config, "float32", old_form=True)
    write_safetensors(folder, config, weights)
    write_reference(folder, config, weights, seed=6)


def make_dequantisation():
    """Rows with any bits at all, where a float16 scale or a float is a finite number."""
    rng = np.random.default_rng(9)
    scales = {
        Type.F32: [], Type.F16: [], Type.BF16: [], Type.Q8_0: [0], Type.Q4_0: [0],
        Type.Q4_1: [0, 2], Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208]}
    # Besides any finite number: zero, the smallest subnormal, the smallest normal, the largest.
    special = np.array([0x0000, 0x8000, 0x0001, 0x8001, 0x0400, 0x7BFF, 0xFBFF], dtype="<u2")
    entries = []
    for kind, places in scales.items():
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        rows, columns = 3, max(64, elements * 2)
        blocks = rows * columns // elements
        data = rng.integers(0, 256, (blocks, size), dtype=np.uint8)

        def halves(count):
            values = rng.integers(0, 0x10000, count).astype("<u2")
            values[(values & 0x7C00) == 0x7C00] &= 0xBFFF
            values[:len(special)] = special[:count]
            return values

        for place in places:
            data[:, place:place + 2] = rng.permutation(halves(blocks))[:, None].view(np.uint8)
        if kind == Type.F16:
            data = halves(blocks)[:, None].view(np.uint8)
        if kind in (Type.F32, Type.BF16):
            # The exponent's bits are in the last two bytes; clear one where all are set.
            top = data[:, -2:].copy().view("<u2")
            top[(top & 0x7F80) == 0x7F80] &= 0xBFFF
            data[:, -2:] = top.view(np.uint8)
        data = np.ascontiguousarray(data).reshape(rows, columns // elements * size)
        if kind == Type.F32:
            floats = data.view("<f4")
        elif kind == Type.F16:
            floats = data.view("<f2").astype(np.float32)
        else:
            floats = gguf.quants.dequantize(data, kind)
        assert floats.shape == (rows, columns) and np.isfinite(floats).all(), kind
        entries.append({
            "type": kind.name, "rows": rows, "columns": columns,
            "bytes": base64.b64encode(data.tobytes()).decode(),
            "floats": base64.b64encode(floats.astype("<f4").tobytes()).decode()})
    text = ",\n".join(" " + json.dumps(entry) for entry in entries)
    (MODELS / "dequantisation.json").write_text(f"[\n{text}\n]\n")


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    make_llama()
    make_llama_bfloat16()
    for seed, kind in enumerate([Type.Q8_0, Type.Q4_0, Type.Q4_1], start=10):
        make_llama_quantised(kind, seed)
    make_llama_k_quants(seed=20)
    make_qwen2()
    make_mistral()
    make_dequantisation()
    total = sum(path.stat().st_size for path in MODELS.rglob("*") if path.is_file())
    print(f"{total} bytes in all")
