"""Makes the fixtures in Tests/Golden/tokenizers with Hugging Face's tokenizers.

Small vocabularies, trained here on a few lines of text, with exactly the normalizer, pre-tokenizer,
post-processor and decoder of GPT-2, SmolLM, Llama 3 and Qwen2. For each: `NAME.json`, a tokenizer.json,
and `NAME.expected.json`, what the library makes of nasty texts and of random tokens.

Run it in a virtual environment: pip install tokenizers==0.23.3 && python make_tokenizers.py
The tests need no Python.
"""

import json
import pathlib
import random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers
from tokenizers import pre_tokenizers, processors, trainers

FOLDER = pathlib.Path(__file__).parent / "tokenizers"

LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")

TRAINING = """
The capital of France is Paris, and the capital of Norway is Oslo. It's what they'd say, isn't it?
We'll see; they've said I'm late, and we're not. The wafers exchange activations over links.
def fibonacci(n):\n    if n == 0:\n        return 1\n    return n * fibonacci(n - 1)\n
for (int i = 0; i < 1024; ++i) { sum += a[i] * b[i]; }\r\n\treturn sum;\r\n
In 2024 there were 123456 wafers, 3.14159 each, 50% off. 1 22 333 4444 55555.
Übung macht den Meister. Où est la bibliothèque? ¿Dónde está el niño? Příliš žluťoučký kůň.
Съешь ещё этих мягких французских булок. Ελληνικά κείμενα εδώ. שלום עולם. مرحبا بالعالم.
नमस्ते दुनिया। 你好,世界。今日は良い天気です。안녕하세요 세계. สวัสดีชาวโลก
😀 😃 👩‍👩‍👧‍👦 🇳🇴 ½ ² Ⅷ ٣٤٥ १२३
""" * 2

TEXTS = [
    "",
    " ",
    "  ",
    "\n",
    "\r\n",
    "\t",
    "a",
    " a",
    "  a",
    "   a  b   ",
    "Hello, world!",
    "The capital of France is",
    "def fibonacci(n):\n    return n\n",
    "def fibonacci(n):",
    "It's they'd we'll I'm we're they've isn't",
    "IT'S THEY'D WE'LL I'M WE'RE THEY'VE ISN'T",
    "It'S they'D We'Ll i'M we'Re they'vE",
    "'s't're've'm'll'd",
    "''s ' s 's' '",
    "x'\u017f x'\u017fs 'S\u017f",
    "'l 'r 'v 'le 'rs '",
    "tabs\tand\t\ttabs\t \tx",
    "trailing   ",
    "trailing \n",
    "a\n\nb\n \nc \n d\n\n\n  e",
    "a\r\nb\r\r\nc\n\r d \r\n",
    " \n \r\n  x",
    "\n\n  \n\t\n  y \n\n",
    "!!!\n\n??? ...\r\nx",
    " !! \n!a !\tb",
    "#include <stdio.h>\r\nint main() { return 0; }\r\n",
    "1 22 333 4444 55555 666666 7777777",
    "a1b22c333d4444",
    "3.14159, 1,000,000 -5 +6 50% $7.99 0x1F",
    " 1  2   3",
    "1\u00a02\u20033\u30004\u00855\u20286\u20297",
    "x\u000by\u000cz\u001cw\u200bv\ufeffu",
    "½ ² ³ Ⅷ ⅷ ① ㊿ ٣٤٥ १२३ 𝟘𝟙𝟚",
    "½½½½ ²³² ⅧⅧ",
    "Übung Ångström naïve façade Œuvre",
    "U\u0308bung A\u030angstro\u0308m cafe\u0301 n\u0303",
    "a\u0301\u0323 a\u0323\u0301 \u1e0b\u0323 q\u0307\u0323",
    "\u2126 \u212b \u212a \u00c5 \u0958 \u2adc",
    "\u1112\u1161\u11ab\u1100\u1173\u11af 한글",
    "Съешь ещё этих мягких французских булок, да выпей чаю",
    "Ελληνικά, εδώ·και εκεί",
    "שלום עולם! مرحبا بالعالم؟",
    "नमस्ते दुनिया। क्षत्रिय",
    "你好,世界。今日は良い天気です。안녕하세요",
    "สวัสดีชาวโลก ภาษาไทย",
    "ǅ ʰ ª º ﬁ ﬆ ß ẞ İ ı",
    "😀😃 👩\u200d👩\u200d👧\u200d👦🇳🇴 ❤\ufe0f ☺",
    "a😀b 😀 c",
    "\U0010ffff \ue000 \U000f0000",
    "null\u0000byte \u0001\u001f\u007f\u0080\u009f",
    "don\u2019t \u201cquote\u201d \u2013 \u2014 \u2026",
    "snake_case camelCase kebab-case path/to/file.txt a@b.c https://x.y/?z=1&w=2#f",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "-------------------------------- ================ ********",
    "thethethethe ththth Thethe hthe",
    "<|im_start|>user\nHello<|im_end|>\n",
    "<|im_start|><|im_end|><|im_end|>",
    " <|im_start|> x <|im_end|> ",
    "<|im_start| > <|im_start|<|im_end|>|>",
    "<tool_call>{\"a\": 1}</tool_call> <tool_call",
    "<tool><tool_call><tool",
    "<tool_call>s<tool_call>S<tool_call>ss",
    "x<|endoftext|>1<|endoftext|>'s",
    "<|im_end|>\u0338 <|im_end|>\u0301",
]


def random_texts(generator, count):
    """Texts of characters that the patterns tell apart, in every order."""
    alphabet = list("ab'sSdlLrReEvVtTmM 19½\t\n\r.,!-") + ["  ", "\u00a0", "\u2028", "é", "e\u0301"]
    alphabet += ["世", "😀", "\u017f", "٣", "\r\n", "\u0301", "<|im_end|>", "\u3000", "ñ", "\u00ff"]
    return ["".join(generator.choices(alphabet, k=generator.randint(1, 24))) for _ in range(count)]


def make(name, *, normalizer=None, pre, template=False, ignore_merges=False, alphabet=True,
         unknown=None, old_merges=False):
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges, unk_token=unknown))
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=256 + 300, show_progress=False,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if alphabet else [])
    tokenizer.train_from_iterator([TRAINING], trainer)
    tokenizer.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    tokenizer.add_tokens([
        AddedToken("<tool_call>", normalized=False), AddedToken("<tool>", normalized=False),
        AddedToken("</tool_call>", normalized=False),
        # The longer of two that start at one place is taken.
        AddedToken("<tool_call>s", normalized=False)])
    byte_level = processors.ByteLevel(trim_offsets=True)
    if template:
        start = tokenizer.token_to_id("<|im_start|>")
        tokenizer.post_processor = processors.Sequence([
            byte_level,
            processors.TemplateProcessing(
                single="<|im_start|> $A", pair="<|im_start|> $A <|im_start|> $B",
                special_tokens=[("<|im_start|>", start)])])
    else:
        tokenizer.post_processor = byte_level
    document = json.loads(tokenizer.to_str())
    if old_merges:
        document["model"]["merges"] = [" ".join(pair) for pair in document["model"]["merges"]]
    (FOLDER / f"{name}.json").write_text(json.dumps(document, ensure_ascii=False, indent=None))
    generator = random.Random(2024)
    cases = []
    for text in TEXTS + random_texts(generator, 100):
        tokenizer.encode_special_tokens = False
        ids = tokenizer.encode(text).ids
        bare = tokenizer.encode(text, add_special_tokens=False).ids
        tokenizer.encode_special_tokens = True
        plain = tokenizer.encode(text, add_special_tokens=False).ids
        # Lengths of the pieces in bytes: each is one character of the byte alphabet.
        normal = tokenizer.normalizer.normalize_str(text) if tokenizer.normalizer else text
        pieces = [len(piece) for piece, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal)]
        cases.append({
            "text": text, "pieces": pieces, "ids": ids, "bare": bare, "plain": plain,
            "decoded": tokenizer.decode(ids, skip_special_tokens=False),
            "skipped": tokenizer.decode(ids, skip_special_tokens=True)})
    tokens = []
    for _ in range(60):
        ids = generator.choices(range(tokenizer.get_vocab_size()), k=generator.randint(1, 12))
        tokens.append({"ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=False)})
    (FOLDER / f"{name}.expected.json").write_text(
        json.dumps({"texts": cases, "tokens": tokens}, ensure_ascii=True, separators=(",", ":")))


def byte_level(prefix=False, regex=True):
    return pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=regex)


def split(regex):
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(regex), behavior="isolated", invert=False),
        byte_level(regex=False)])


FOLDER.mkdir(exist_ok=True)
make("gpt2", pre=byte_level(), old_merges=True)
# SmolLM's vocabulary lacks some bytes, which its tokenizer drops.
make("smollm", alphabet=False, pre=pre_tokenizers.Sequence([
    pre_tokenizers.Digits(individual_digits=True), byte_level()]))
make("llama3", pre=split(LLAMA3), template=True, ignore_merges=True)
make("qwen2", normalizer=normalizers.NFC(), pre=split(QWEN2))
make("prefix", alphabet=False, unknown="<|endoftext|>", pre=pre_tokenizers.Sequence([
    pre_tokenizers.Digits(individual_digits=False), byte_level(prefix=True)]))
