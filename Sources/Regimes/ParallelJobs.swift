import Runtime
import Synchronization
import Tensors

/// Independent jobs over the cores. Each job's own kernels then run in its thread, and no result depends on how many threads there are.
enum ParallelJobs {
  /// Runs all jobs; the first error in order of the jobs is thrown when those that had begun are done, and no new one begins.
  static func run(_ count: Int, _ job: (Int) throws -> Void) throws {
    let errors = Mutex<[Int: any Error]>([:])
    Parallel.forEach(count, grain: 1) { range in
      for index in range {
        guard errors.withLock({ $0.isEmpty }) else { return }
        do {
          try Cancellation.check()
          try job(index)
        } catch {
          errors.withLock { $0[index] = error }
        }
      }
    }
    if let first = errors.withLock({ $0.min { $0.key < $1.key } }) { throw first.value }
  }
}
