extension FuzzTarget {
  /// Every way in which the target refuses bytes, as a pattern of its message (fnmatch), the narrower first.
  ///
  /// Held from both sides: the corpus reaches each, and an error that matches none fails the tests.
  public var errorCases: [String] {
    switch self {
    default: []
    }
  }

  /// Those of them that say that the bytes are nothing of this kind: mark, version, first lengths, syntax.
  var headerCases: Set<String> {
    switch self {
    default: []
    }
  }
}
