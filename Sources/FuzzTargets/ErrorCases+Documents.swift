/// Errors of documents of keys and values.
extension FuzzTarget {
  static let noJSON = "malformed: not valid JSON, or a number that is not whole or too large"

  static let jsonErrors = [
    "malformed: * is not of type *", "malformed: * is null; expected *",
    "malformed: '*' has no key *",
  ]

  static let safetensorsErrors = [
    noJSON, "not supported: dtype * is not known; *", "malformed: shape * is negative or too large",
    "malformed: data_offsets * are not a start and an end behind it",
    "truncated: its data ends at byte *", "malformed: shape * takes * bytes, its data_offsets *",
    "malformed: its data overlaps the tensor before it; *",
    "malformed: its data leaves a hole; *", "malformed: * bytes behind the last tensor; *",
  ]

  static let tokenizerErrors = [
    "malformed: the document has no key *",
    "malformed: * and * are not two tokens that make a third",
    "malformed: * is not two tokens that make a third", "malformed: * is not two tokens",
    "not supported: *; known is NFC. *", "malformed: token * is there twice, or out of bounds",
    "malformed: token * is out of bounds", "malformed: it is empty",
    "malformed: * tokens have numbers up to *", "not supported: '*' has single_word, *",
    "not supported: '*' has lstrip, *", "not supported: '*' has rstrip, *",
    "not supported: '*' has normalized, *", "not supported: * at its end; only ByteLevel is read.*",
    "not supported: *; known are Digits and Split, then one ByteLevel.*",
    "not supported: Split by *", "not supported: *; only ByteLevel is read.*",
    "malformed: '*' is not one of its special_tokens",
    "not supported: *; known are ByteLevel and TemplateProcessing.*",
    "not supported: tokenizer '*'; only byte-level BPE ('gpt2') is read.*",
    "not supported: *; only byte-level BPE is read.*",
    "not supported: true; a SentencePiece vocabulary is not read.*",
    "not supported: '*'; only none is read", "not supported: *; random merges are not computed",
    "malformed: * is not one of the * tokens", "malformed: true, and there is no tokenizer.ggml.*",
    "not supported: pre-tokenizer '*'; known are *", "malformed: there are no tokens",
    "malformed: * types for * tokens", "malformed: type * of token * is not one of 1 to 6",
    "malformed: there are no merges", "malformed: a string is not UTF-8",
    "malformed: expected a bool, found *", "malformed: expected an array of strings, found *",
  ]

  static let configErrors = [
    "not supported: *; known are *ForCausalLM*", "not a model file: not there; known are *",
    "not supported: *; known are llama, *", "not supported: *; only 1 is planned",
    "malformed: * is more than the * experts", "missing: a model with experts needs it",
    "malformed: * is not between *", "not supported: *; only silu is computed",
    "not supported: true; feed-forward biases are not computed",
    "not supported: true; a bias of the attention's output is not computed, *",
    "not supported: *; only 1 is computed", "not supported: weights in this format are not read; *",
    "malformed: * is negative", "missing: a * model needs it",
    "malformed: * query heads are not a multiple of *", "malformed: width * is not a multiple of *",
    "malformed: head size * is odd", "malformed: * is not a positive even number",
    "malformed: it contradicts rope_scaling", "malformed: the file states it twice: *",
    "malformed: * is not positive", "malformed: * is not above low_freq_factor *",
    "missing: * needs it", "not supported: *; known are default, linear and llama3",
    "not supported: LlamaForCausalLM has none", "not supported: layers of different kinds; *",
    "malformed: sliding_attention without a window",
    "not supported: * of * layers without a window; *",
    "malformed: its sizes together make more weights than can be counted",
  ]

  static let yamlErrors = [
    "opens more than 256 brackets", "is nested deeper than * levels", "has the anchor *",
    "stands twice in one mapping", "a key is no word", "has no value", "has a dot",
    "is a list where one value belongs", "holds keys where one value belongs",
    "is a value where keys belong", "is not a key of an experiment",
    "holds other keys and has no value of its own", "excludes '*', which is set at *",
    "is a list of values where one of keys belongs",
    "is not a key of *", "is missing", "has no axis", "is no list of values", "is no list",
  ]

  static let settingErrors = [
    "is the text \"*\" in quotes", "is a list", "holds '*'",
    "is wrong: '*' does not start with a number; *", "is wrong: '*' has no unit; *",
    "is wrong: '*' is negative; *", "is wrong: '*' is larger than any *",
    "is wrong: '*' has more digits than *", "is wrong: '*' has the unknown unit *",
    "is '*', and there is no model preset of that name",
    "is '*', and there is no * preset of that name",
    "is '*', and there is no preset of that name", "cannot be used: *",
    "is '*', which cannot be read",
  ]

  static let planErrors = [
    "does not suit *: pipeline-parallel size *", "does not suit *: tensor-parallel size *",
    "does not suit *: layers per stage *", "times 'plan.tensor' is * wafers",
    "is *, more than the batch of *", "needs a tokenizer, and * has none", "holds the token *",
    "is given without 'sampling.top_k'", "is *, less than the top-k of *",
    "needs a real payload, and this one is phantom", "is restart, which needs node processes, *",
    "is stream, and the model has no file: *",
    "is 'real', and the transport is 'none', *",
    "is 'real', and * has experts or latent attention*",
    "is 'real', and * has no weights", "is given without 'workload.arrivals'",
    "is one prompt, and requests have many", "is given, and arrivals are '*'",
    "is given, and no defects are drawn", "needs a wafer whose dies are known, *",
    "leaves no wafer to run on: *", "is *x*, and a * has no dimensions",
    "is *x*, and there are * wafers", "is * ps, and a * has no switch",
    "is from rank * to rank *, and a * has no such link",
    "gives the link from * no figure of its own",
    "has the link from * twice", "has more than six digits after the point", "is * twice",
    "is *, and there is no such rank", "means nothing on *",
    "is given beside 'hardware.defect_density'", "is '*'",
  ]
}
