/// A link or ramp in one direction, or a PE's own lane, as the engine keeps it.
struct LaneState {
  /// Cycle from which it takes the next wavelet.
  var free = 0
  /// Those on it and before it.
  var queue = WaveletPool.Queue()
  /// The lane after it in the wheel's list.
  var next = CompiledFabric.none
  /// How many it took.
  var wavelets: UInt32 = 0
}

/// A PE, as the engine keeps it.
struct PEState {
  /// Its step, and the end of its steps.
  var step: Int32
  var end: Int32
  /// What the step has yet to take.
  var remaining: Int32 = 0
  /// The inbox that the step takes from; `none` for memory, and when all is done.
  var inbox: Int32 = CompiledFabric.none
  /// Cycle from which it can start the next operation.
  var free = 0
  /// Wavelets in all its inboxes.
  var held: Int32 = 0
  /// Whether its event is set.
  var isAwaited = false

  init(step: Int32, end: Int32) {
    self.step = step
    self.end = end
  }
}
