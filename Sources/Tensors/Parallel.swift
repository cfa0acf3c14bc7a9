import CKernels

/// Loops over ranges on the process's one thread pool.
public enum Parallel {
  /// Threads that loops use, the calling one included; at first all processors this process may use.
  public static var threads: Int { Int(ck_threads()) }

  /// Sets the number of threads, 1 to the number of processors. Not while loops run.
  public static func setThreads(_ count: Int) { ck_set_threads(Int32(clamping: count)) }

  /// Calls `body` for ranges that tile `0..<count`, on several threads, and returns when all are done.
  ///
  /// Ranges are multiples of `grain` items (but the last) and follow from `count` and `grain` alone, not from the
  /// number of threads; at most 256 are made. The partition must not influence any result, unless `body` uses the
  /// ranges themselves as the units of a sum. Inside another loop's body, or while another thread uses the pool,
  /// the ranges run one after the other in the calling thread.
  public static func forEach(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
    precondition(count >= 0 && grain > 0, "a loop over \(count) items in ranges of \(grain)")
    withoutActuallyEscaping(body) { body in
      var loop = Loop(body: body)
      withUnsafeMutablePointer(to: &loop) { ck_parallel_for(count, grain, runRange, $0) }
    }
  }

  private struct Loop {
    let body: (Range<Int>) -> Void
  }

  /// Lives outside of any isolation: it runs on the pool's threads.
  private static let runRange: ck_task = { context, begin, end in
    context?.assumingMemoryBound(to: Loop.self).pointee.body(begin..<end)
  }
}
