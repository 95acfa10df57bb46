import ModelFiles

/// Turns a result's tokens into text, where the model has a tokenizer.
public struct ResultText: Sendable {
  private let tokenizer: Tokenizer

  /// `nil` for models without a tokenizer: presets and synthetic ones.
  ///
  /// Throws `ModelFileError` when the tokenizer cannot be read.
  public init?(_ experiment: Experiment) throws {
    guard case .file(let path) = experiment.host.model, experiment.host.payload == .real,
      let tokenizer = try ModelFile.open(path).tokenizer()
    else { return nil }
    self.tokenizer = tokenizer
  }

  /// Tokens that end a text.
  public var endOfText: Set<Int32> { Set(tokenizer.endOfText.map(Int32.init)) }

  /// A decoder that takes token by token.
  public var stream: TokenStream { TokenStream(tokenizer, skippingSpecialTokens: true) }

  /// The text of each sequence, special tokens included, as they are part of what was made.
  public func decode(_ half: HalfResult) -> [String] {
    half.tokens.map { tokenizer.decode($0.map(Int.init)) }
  }
}
