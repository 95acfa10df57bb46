/// All wavelets on their way, in queues that are links through one array.
struct WaveletPool {
  /// A wavelet.
  struct Wavelet {
    /// Cycle at which it reaches the end of its lane.
    var time: Int
    var value: Int32
    /// Its place in the vector.
    var element: Int32
    /// Place of its route at the end of the lane, or the inbox.
    var place: Int32
    /// The one after it.
    var next: Int32
  }

  /// A queue; the first is `none` when it is empty.
  struct Queue {
    var first = CompiledFabric.none
    var last = CompiledFabric.none

    var isEmpty: Bool { first < 0 }
  }

  private var wavelets: [Wavelet] = []
  private var free = CompiledFabric.none

  @inline(__always)
  subscript(index: Int32) -> Wavelet {
    get { wavelets[Int(index)] }
    set { wavelets[Int(index)] = newValue }
  }

  /// Keeps a wavelet at the end of a queue.
  @inline(__always)
  mutating func append(_ wavelet: Wavelet, to queue: inout Queue) {
    let index: Int32
    if free >= 0 {
      index = free
      free = wavelets[Int(index)].next
      wavelets[Int(index)] = wavelet
    } else {
      index = Int32(wavelets.count)
      wavelets.append(wavelet)
    }
    if queue.first < 0 {
      queue.first = index
    } else {
      wavelets[Int(queue.last)].next = index
    }
    queue.last = index
  }

  /// Takes the first wavelet of a queue.
  ///
  /// - Precondition: there is one.
  @inline(__always)
  mutating func takeFirst(of queue: inout Queue) -> Wavelet {
    let index = queue.first
    let wavelet = wavelets[Int(index)]
    queue.first = wavelet.next
    wavelets[Int(index)].next = free
    free = index
    return wavelet
  }
}
