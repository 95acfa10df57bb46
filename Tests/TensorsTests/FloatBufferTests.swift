import Tensors
import Testing

@Test(
  "a buffer is aligned to a cache line and starts as zeros", arguments: [0, 1, 15, 1000, 600_000])
func floatBuffer(_ count: Int) {
  let buffer = FloatBuffer(count: count)
  #expect(buffer.count == count)
  #expect(Int(bitPattern: buffer.floats.baseAddress!) % 64 == 0)
  #expect(buffer.floats.allSatisfy { $0 == 0 })
  for i in 0..<count { buffer[i] = Float(i) }
  #expect(count == 0 || buffer[count - 1] == Float(count - 1))
}
