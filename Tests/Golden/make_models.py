#!/usr/bin/env python3
"""Makes the golden models: small seeded decoders and what Hugging Face Transformers computes of them.

    python3 -m venv venv
    venv/bin/pip install torch --index-url https://download.pytorch.org/whl/cpu
    venv/bin/pip install transformers==5.* gguf safetensors numpy
    venv/bin/python Tests/Golden/make_models.py            # writes beside itself, into models/

The tests need no Python: the fixtures are committed. Every model comes with

    expected.json   prompt, the greedy tokens that follow it, and the smallest distance between the best
                    and the second best logit among them
    logits.f32      float32, little-endian, [prompt + greedy - 1, vocabulary]: next-token logits of every
                    position, each token seeing the true ones before it

in one folder per set of weights. References are computed in float32, attention "eager", without a cache,
from the weights as the file stores them: what a quantised file holds is dequantised first (by gguf-py).

Written with Transformers 5.x on PyTorch 2.13; the seeds are numpy's, so another version of them gives
the same weights and logits that differ in the last bits.
"""

import json
import shutil
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

MODELS = Path(__file__).resolve().parent / "models"
PROMPT_TOKENS = 14
GREEDY_TOKENS = 10
# A test may not depend on a tie: greedy tokens must win by this much at least.
LEAST_MARGIN = 0.005

LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "vocab_size": 131,
    "max_position_embeddings": 256,
    "hidden_act": "silu",
    "rms_norm_eps": 1e-5,
    "rope_theta": 500.0,
    # Chosen so that the 8 pairs meet all three cases: kept, divided, and the ramp between.
    "rope_scaling": {
        "rope_type": "llama3",
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64,
    },
    "tie_word_embeddings": False,
    "attention_bias": False,
}

QWEN2 = {
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 131,
    "max_position_embeddings": 256,
    "hidden_act": "silu",
    "rms_norm_eps": 1e-6,
    # The key that Transformers 5 writes; the others above and below are those of published files.
    "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
    "tie_word_embeddings": True,
    "use_sliding_window": False,
}

MISTRAL = {
    "architectures": ["MistralForCausalLM"],
    "model_type": "mistral",
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "vocab_size": 131,
    "max_position_embeddings": 256,
    "hidden_act": "silu",
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "sliding_window": 5,
    "tie_word_embeddings": False,
}

# Rows of whole blocks of 256, so that K-quants can hold them.
WIDE = LLAMA | {
    "hidden_size": 256,
    "intermediate_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "vocab_size": 67,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
}
del WIDE["rope_scaling"]


def shapes(config):
    """Names and shapes of the tensors, as Hugging Face has them."""
    width, inner = config["hidden_size"], config["intermediate_size"]
    heads, kv = config["num_attention_heads"], config["num_key_value_heads"]
    size = config.get("head_dim", width // heads)
    result = {"model.embed_tokens.weight": (config["vocab_size"], width)}
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}."
        result[prefix + "input_layernorm.weight"] = (width,)
        for name, rows in ("q", heads), ("k", kv), ("v", kv):
            result[prefix + f"self_attn.{name}_proj.weight"] = (rows * size, width)
            if config["model_type"] == "qwen2":
                result[prefix + f"self_attn.{name}_proj.bias"] = (rows * size,)
        result[prefix + "self_attn.o_proj.weight"] = (width, heads * size)
        result[prefix + "post_attention_layernorm.weight"] = (width,)
        result[prefix + "mlp.gate_proj.weight"] = (inner, width)
        result[prefix + "mlp.up_proj.weight"] = (inner, width)
        result[prefix + "mlp.down_proj.weight"] = (width, inner)
    result["model.norm.weight"] = (width,)
    if not config["tie_word_embeddings"]:
        result["lm_head.weight"] = (config["vocab_size"], width)
    return result


def weights(config, seed):
    """Seeded weights, float32, scaled so that layers matter and logits are well spread."""
    random = np.random.default_rng(seed)
    result = {}
    for name, shape in shapes(config).items():
        values = random.standard_normal(shape)
        if name.endswith("norm.weight"):
            values = 1 + 0.2 * values
        elif name.endswith("bias"):
            values = 0.5 * values
        elif name == "model.embed_tokens.weight":
            # A tied head multiplies with these rows too.
            values = values * (3 / np.sqrt(shape[1]) if config["tie_word_embeddings"] else 1)
        elif name == "lm_head.weight":
            values = values * 3 / np.sqrt(shape[1])
        else:
            values = values * 1.5 / np.sqrt(shape[1])
        result[name] = values.astype(np.float32)
    return result


def reference(config, state, seed):
    """Prompt, greedy tokens, their least margin, and the logits of every position."""
    # LlamaConfig refuses a width that the heads do not divide, whatever head_dim says; the model itself
    # does not mind.
    width = {} if config["hidden_size"] % config["num_attention_heads"] == 0 else {
        "hidden_size": config["num_attention_heads"] * config["head_dim"]}
    settings = AutoConfig.for_model(
        **{k: v for k, v in config.items() if k != "architectures"} | width)
    settings.hidden_size = config["hidden_size"]
    settings._attn_implementation = "eager"
    model = AutoModelForCausalLM.from_config(settings, dtype=torch.float32).eval()
    tensors = {name: torch.from_numpy(np.ascontiguousarray(t)) for name, t in state.items()}
    missing, unexpected = model.load_state_dict(tensors, strict=False)
    assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
    model.tie_weights()
    prompt = np.random.default_rng(seed + 1).integers(0, config["vocab_size"], PROMPT_TOKENS)
    tokens, margins = prompt.tolist(), []
    with torch.no_grad():
        for _ in range(GREEDY_TOKENS):
            logits = model(torch.tensor([tokens]), use_cache=False).logits[0]
            best = torch.topk(logits[-1], 2)
            margins.append((best.values[0] - best.values[1]).item())
            tokens.append(best.indices[0].item())
    assert min(margins) >= LEAST_MARGIN, f"a near tie ({min(margins)}): take another seed"
    return {
        "prompt": tokens[:PROMPT_TOKENS],
        "greedy": tokens[PROMPT_TOKENS:],
        "least_margin": round(min(margins), 6),
    }, logits.numpy().astype("<f4")


def write_reference(folder, config, state, seed):
    expected, logits = reference(config, state, seed)
    assert logits.shape == (PROMPT_TOKENS + GREEDY_TOKENS - 1, config["vocab_size"])
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
    (folder / "logits.f32").write_bytes(logits.tobytes())
    print(f"{folder.name}: greedy {expected['greedy']}, margin {expected['least_margin']}")


def new_folder(name):
    folder = MODELS / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


# Safetensors


def make_safetensors(name, config, seed, dtype, parts=1):
    """`parts` > 1 writes an index and cuts the tensors over so many files."""
    folder = new_folder(name)
    tensors = {
        tensor: torch.from_numpy(values).to(dtype) for tensor, values in weights(config, seed).items()
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    if parts == 1:
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    else:
        names, index = sorted(tensors), {}
        for part in range(parts):
            file = f"model-{part + 1:05}-of-{parts:05}.safetensors"
            own = names[part::parts]
            save_file({n: tensors[n] for n in own}, folder / file, metadata={"format": "pt"})
            index |= {n: file for n in own}
        size = sum(t.numel() * t.element_size() for t in tensors.values())
        (folder / "model.safetensors.index.json").write_text(
            json.dumps({"metadata": {"total_size": size}, "weight_map": index}, indent=1) + "\n")
    state = {n: t.to(torch.float32).numpy() for n, t in tensors.items()}
    write_reference(folder, config, state, seed)


# GGUF


def gguf_name(name):
    if name == "model.embed_tokens.weight":
        return "token_embd.weight"
    if name == "model.norm.weight":
        return "output_norm.weight"
    if name == "lm_head.weight":
        return "output.weight"
    layer, rest = name.removeprefix("model.layers.").split(".", 1)
    module, kind = rest.rsplit(".", 1)
    short = {
        "input_layernorm": "attn_norm",
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "post_attention_layernorm": "ffn_norm",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
    }[module]
    return f"blk.{layer}.{short}.{kind}"


def permuted_heads(config, name):
    """Heads whose rows GGUF `llama` permutes for interleaved pairs, as convert_hf_to_gguf.py does."""
    if config["model_type"] != "llama":
        return None
    if "q_proj" in name:
        return config["num_attention_heads"]
    if "k_proj" in name:
        return config["num_key_value_heads"]
    return None


def permute(rows, heads):
    """Hugging Face's order of rows to GGUF's: (2, d/2) to (d/2, 2) within each head."""
    return rows.reshape(heads, 2, -1, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def restore(rows, heads):
    """GGUF's order of rows to Hugging Face's."""
    return rows.reshape(heads, -1, 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def rope_factors(config):
    """One divisor a pair, as convert_hf_to_gguf.py writes Llama 3.1's scaling."""
    scaling = config["rope_scaling"]
    size, context = config["head_dim"], scaling["original_max_position_embeddings"]
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    factors = []
    for pair in range(size // 2):
        wavelength = 2 * np.pi * config["rope_theta"] ** (2 * pair / size)
        if wavelength < context / high:
            factors.append(1.0)
        elif wavelength > context / low:
            factors.append(scaling["factor"])
        else:
            smooth = (context / wavelength - low) / (high - low)
            factors.append(1 / ((1 - smooth) / scaling["factor"] + smooth))
    assert len({*factors} - {1.0, scaling["factor"]}) > 0 and {1.0, scaling["factor"]} <= {*factors}
    return np.array(factors, dtype=np.float32)


def make_gguf(name, config, seed, type_of, blocks_of=None):
    """`type_of` gives a matrix's type; `blocks_of`, where it is given, its stored blocks."""
    folder = new_folder(name)
    architecture = "qwen2" if config["model_type"] == "qwen2" else "llama"
    writer = gguf.GGUFWriter(folder / "model.gguf", architecture)
    writer.add_name(name)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    size = config.get("head_dim", config["hidden_size"] // config["num_attention_heads"])
    writer.add_key_length(size)
    writer.add_value_length(size)
    writer.add_rope_dimension_count(size)
    theta = config.get("rope_theta") or config["rope_parameters"]["rope_theta"]
    writer.add_rope_freq_base(theta)
    writer.add_vocab_size(config["vocab_size"])
    if "rope_scaling" in config:
        writer.add_tensor("rope_freqs.weight", rope_factors(config))
    state = {}
    for tensor, values in weights(config, seed).items():
        heads = permuted_heads(config, tensor)
        kind = type_of(tensor) if values.ndim == 2 else Type.F32
        if heads:
            values = permute(values, heads)
        if blocks_of and values.ndim == 2 and kind in RANDOM_BLOCKS:
            stored = blocks_of(tensor, kind, values.shape)
        else:
            stored = gguf.quantize(values, kind)
        writer.add_tensor(gguf_name(tensor), stored, raw_dtype=kind)
        exact = gguf.dequantize(stored, kind).reshape(values.shape)
        state[tensor] = restore(exact, heads) if heads else exact
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    write_reference(folder, config, state, seed)


# K-quants: gguf-py expands them but does not make them. Their blocks are drawn at random, with scales
# as a trained model of this width would have.


def packed_scales(random, blocks):
    """Eight 6-bit scales and minima in 12 bytes, equal, so that weights lie around zero."""
    scale = random.integers(20, 64, (blocks, 8), dtype=np.uint8)
    low, high = scale[:, :4], scale[:, 4:]
    head = low | (high >> 4 << 6)
    return np.concatenate([head, head, (high & 15) | ((high & 15) << 4)], axis=1)


def half(values):
    return np.asarray(values, dtype="<f2").view(np.uint8).reshape(-1, 2)


def random_q4_k(random, blocks):
    d = random.uniform(1.5e-4, 5e-4, blocks)
    return np.concatenate(
        [half(d), half(7.5 * d), packed_scales(random, blocks),
         random.integers(0, 256, (blocks, 128), dtype=np.uint8)], axis=1)


def random_q5_k(random, blocks):
    d = random.uniform(0.75e-4, 2.5e-4, blocks)
    return np.concatenate(
        [half(d), half(15.5 * d), packed_scales(random, blocks),
         random.integers(0, 256, (blocks, 32 + 128), dtype=np.uint8)], axis=1)


def random_q6_k(random, blocks):
    d = random.uniform(0.5e-4, 1e-4, blocks)
    scales = random.integers(-128, 128, (blocks, 16)).astype(np.int8).view(np.uint8)
    return np.concatenate(
        [random.integers(0, 256, (blocks, 128 + 64), dtype=np.uint8), scales, half(d)], axis=1)


RANDOM_BLOCKS = {Type.Q4_K: random_q4_k, Type.Q5_K: random_q5_k, Type.Q6_K: random_q6_k}


def random_blocks(seed):
    random = np.random.default_rng(seed)

    def blocks_of(_, kind, shape):
        rows, columns = shape
        return RANDOM_BLOCKS[kind](random, rows * columns // 256).reshape(rows, -1)

    return blocks_of


def q4_k_m(tensor):
    """A mixture like llama.cpp's Q4_K_M, with Q5_K put in to have all three."""
    if "embed" in tensor:
        return Type.Q8_0
    if "v_proj" in tensor or "down_proj" in tensor:
        return Type.Q6_K
    return Type.Q5_K if "o_proj" in tensor else Type.Q4_K


def make_blocks():
    """One file of stored blocks and one of their floats for every quantised type: 1024 elements."""
    folder = new_folder("blocks")
    random = np.random.default_rng(7)
    for kind in Type.Q4_0, Type.Q4_1, Type.Q8_0, *RANDOM_BLOCKS:
        if kind in RANDOM_BLOCKS:
            stored = RANDOM_BLOCKS[kind](random, 4)
        else:
            stored = gguf.quantize(random.standard_normal((1, 1024)).astype(np.float32), kind)
        stored = stored.reshape(1, -1)
        floats = gguf.dequantize(stored, kind).astype("<f4")
        assert floats.size == 1024 and np.isfinite(floats).all()
        (folder / f"{kind.name}.blocks").write_bytes(stored.tobytes())
        (folder / f"{kind.name}.f32").write_bytes(floats.tobytes())


def main():
    torch.set_num_threads(1)
    make_safetensors("llama-f32", LLAMA, 1, torch.float32)
    make_safetensors("llama-bf16-sharded", LLAMA, 2, torch.bfloat16, parts=2)
    make_gguf("llama-f16-gguf", LLAMA, 1, lambda _: Type.F16)
    make_gguf("llama-q8_0-gguf", LLAMA, 1, lambda _: Type.Q8_0)
    make_gguf("llama-q4_1-gguf", LLAMA, 1, lambda t: Type.Q8_0 if "embed" in t else Type.Q4_1)
    make_safetensors("qwen2-f16", QWEN2, 8, torch.float16)
    make_gguf("qwen2-f32-gguf", QWEN2, 8, lambda _: Type.F32)
    make_gguf("qwen2-q4_0-gguf", QWEN2, 8, lambda _: Type.Q4_0)
    make_safetensors("mistral-bf16", MISTRAL, 4, torch.bfloat16)
    make_gguf("llama-q4_k_m-gguf", WIDE, 5, q4_k_m, random_blocks(6))
    make_blocks()
    total = sum(f.stat().st_size for f in MODELS.rglob("*") if f.is_file())
    print(f"{total:,} bytes in {MODELS}")
    assert total < 3_000_000


if __name__ == "__main__":
    sys.exit(main())
