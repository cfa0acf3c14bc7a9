import Layers
import Runtime
import Synchronization
import Tensors

/// How kernels run in a test: an instruction set and a number of threads.
public struct KernelSetting: Sendable, CustomStringConvertible {
  public let set: InstructionSet
  public let threads: Int
  public var description: String { "\(set.name), \(threads) threads" }

  /// Every instruction set of this machine on one thread, and the best one on all threads.
  public static var all: [KernelSetting] {
    let single = InstructionSet.available.map { KernelSetting(set: $0, threads: 1) }
    guard let best = InstructionSet.available.last else { return single }
    return single + [KernelSetting(set: best, threads: 2)]
  }

  private static let lock = Mutex(())

  /// Calls `body` once for every setting; other tests that do so wait.
  public static func each(_ body: (KernelSetting) throws -> Void) rethrows {
    try lock.withLock { _ in
      let (set, threads) = (InstructionSet.current, Parallel.threads)
      defer {
        InstructionSet.use(set)
        Parallel.setThreads(threads)
      }
      for setting in all {
        InstructionSet.use(setting.set)
        Parallel.setThreads(setting.threads)
        try body(setting)
      }
    }
  }
}

extension [Float] {
  /// Numbers of a fixed stream, between -2 and 2, none of them zero.
  public static func random(_ count: Int, seed: UInt64) -> [Float] {
    var generator = CounterRandom(seed: seed, stream: "kernels")
    return (0..<count).map { _ in
      Float(Int32(truncatingIfNeeded: generator.next()) | 1) * 0x1p-30
    }
  }

  /// The bits of every number.
  public var bits: [UInt32] { map(\.bitPattern) }

  /// The same numbers rounded to another type and back.
  public func rounded(to dtype: DType) -> [Float] { Tensor(self, dtype: dtype).toFloats() }
}

/// Units in the last place of f32 between a result and the exact value.
public func ulps(_ value: Float, _ exact: Double) -> Double {
  if Double(value) == exact { return 0 }
  if value.isNaN || exact.isNaN { return value.isNaN && exact.isNaN ? 0 : .infinity }
  let unit = Double(max(Float(abs(exact)).ulp, Float.leastNonzeroMagnitude))
  return unit.isFinite ? abs(Double(value) - exact) / unit : 0
}

extension Tensor {
  /// The bits of every element of a 16-bit type.
  public var bits16: [UInt16] { withExtendedLifetime(storage) { Array(bytes.bindMemory(to: UInt16.self)) } }
}
