import Layers
import Runtime
import Synchronization
import Tensors

/// How fast this machine works now, on the threads in use: what estimates are made with.
public struct MachineRates: Sendable, Equatable {
  /// Threads that shared the work.
  public var threads: Int
  /// f32 operations a second (a multiply-add is two) of a linear layer over many rows.
  public var operationsPerSecond: Double
  /// Bytes a second read from memory, out of reach of the caches.
  public var readBytesPerSecond: Double
  /// Bytes a second hashed by SHA-256, from memory.
  public var hashBytesPerSecond: Double
  /// Bytes a second written to files and flushed: assumed, since an estimate writes nothing.
  public var writeBytesPerSecond: Double

  /// Rates that are known.
  public init(
    threads: Int, operationsPerSecond: Double, readBytesPerSecond: Double, hashBytesPerSecond: Double,
    writeBytesPerSecond: Double = 1e9
  ) {
    self.threads = threads
    self.operationsPerSecond = operationsPerSecond
    self.readBytesPerSecond = readBytesPerSecond
    self.hashBytesPerSecond = hashBytesPerSecond
    self.writeBytesPerSecond = writeBytesPerSecond
  }

  private static let known = Mutex<[Int: MachineRates]>([:])

  /// Rates of a short measurement (about 0.2 s), made once for each number of threads.
  public static var quick: MachineRates {
    if let found = known.withLock({ $0[Parallel.threads] }) { return found }
    let made = measured(seconds: 0.12)
    known.withLock { $0[made.threads] = made }
    return made
  }

  /// Measures for about `seconds` in all, beside 0.1 s to fill the memory that is read; each rate is the best of its runs.
  public static func measured(seconds: Double) -> MachineRates {
    let block = TensorStorage(byteCount: 96 << 20)
    fill(block)
    let bytes = UnsafeRawBufferPointer(start: block.base, count: block.byteCount)
    let part = seconds / 3
    return MachineRates(
      threads: Parallel.threads,
      operationsPerSecond: linearRate(part),
      readBytesPerSecond: best(part, amount: Double(bytes.count)) { read(bytes) },
      // Hashing is slow enough that less shows its rate.
      hashBytesPerSecond: best(part, amount: Double(bytes.count / 8)) { hash(bytes, bytes.count / 8) })
  }

  /// Every place gets a page of its own; a page of zeros would be read from the cache.
  private static func fill(_ block: TensorStorage) {
    let words = block.base.assumingMemoryBound(to: UInt64.self)
    Parallel.forEach(block.byteCount / 4096, grain: 256) { pages in
      for word in pages.lowerBound * 512..<pages.upperBound * 512 { words[word] = UInt64(word) }
    }
  }

  /// A linear layer of 256 rows, 768 × 768.
  private static func linearRate(_ seconds: Double) -> Double {
    let (m, n, k) = (256, 768, 768)
    let x = Tensor((0..<m * k).map { Float($0 % 13) - 6 }), y = Tensor(zeros: [m, n])
    let weight = LinearWeight(Tensor((0..<n * k).map { Float($0 % 11) - 5 }, shape: [n, k]))
    return best(seconds, amount: 2 * Double(m * n * k)) {
      Linear.forward(y.f32, yStride: n, x.f32, xStride: k, rows: m, weight)
    }
  }

  /// Reads all bytes, four sums at a time.
  private static func read(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    let piece = 1 << 18
    let pieces = bytes.count / piece
    let sums = Slots(repeating: UInt64(0), count: pieces)
    Parallel.forEach(pieces, grain: 8) { range in
      for index in range {
        var (a, b, c, d) = (SIMD8<UInt64>(), SIMD8<UInt64>(), SIMD8<UInt64>(), SIMD8<UInt64>())
        for place in stride(from: index * piece, to: (index + 1) * piece, by: 256) {
          a ^= base.load(fromByteOffset: place, as: SIMD8<UInt64>.self)
          b ^= base.load(fromByteOffset: place + 64, as: SIMD8<UInt64>.self)
          c ^= base.load(fromByteOffset: place + 128, as: SIMD8<UInt64>.self)
          d ^= base.load(fromByteOffset: place + 192, as: SIMD8<UInt64>.self)
        }
        sums[index] = ((a ^ b) ^ (c ^ d))[0]
      }
    }
  }

  /// Hashes pieces of the first `count` bytes on all threads, two in step as checkpoints' tensors are.
  private static func hash(_ bytes: UnsafeRawBufferPointer, _ count: Int) {
    let piece = 1 << 18
    Parallel.forEach(count / (2 * piece), grain: 1) { range in
      for index in range {
        let start = 2 * index * piece
        _ = SHA256.hex(
          UnsafeRawBufferPointer(rebasing: bytes[start..<start + piece]),
          UnsafeRawBufferPointer(rebasing: bytes[start + piece..<start + 2 * piece]))
      }
    }
  }

  /// Amount a second of the fastest run; at least two runs.
  private static func best(_ seconds: Double, amount: Double, _ body: () -> Void) -> Double {
    body()
    var best = 0.0, runs = 0
    let start = Machine.seconds
    while runs < 2 || Machine.seconds - start < seconds {
      let before = Machine.seconds
      body()
      best = max(best, amount / max(Machine.seconds - before, 1e-9))
      runs += 1
    }
    return best
  }
}
