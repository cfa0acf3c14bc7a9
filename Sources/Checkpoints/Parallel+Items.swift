import Tensors

extension Parallel {
  /// Runs one job for each item, on all threads; each job's result depends on its item alone.
  static func forEachItem(_ count: Int, _ body: (Int) -> Void) {
    forEach(count, grain: 1) { range in
      for item in range { body(item) }
    }
  }
}
