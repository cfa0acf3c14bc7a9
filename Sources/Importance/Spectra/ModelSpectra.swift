import Architectures
import Layers
import Runtime
import Synchronization
import Tensors

/// The spectra of many matrices, one after the other on each thread.
public struct ModelSpectra: Sendable, Equatable {
  /// A matrix and its spectrum.
  public struct Line: Sendable, Equatable {
    /// What the matrix is.
    public let role: Role
    /// Its spectrum.
    public let spectrum: MatrixSpectrum
  }

  /// The matrices in the order in which they were given.
  public let lines: [Line]

  /// Reads the spectra of matrices, each under its role's name; threads change nothing.
  /// - Throws: ``LinearAlgebraError``, ``Interrupted``.
  /// - Complexity: as ``MatrixSpectrum``; in memory are one matrix in f32 and two squares of its smaller size in f64 a thread.
  public init(
    _ matrices: [PrunableMatrix], options: MatrixSpectrum.Options = .init(),
    progress: ProgressSink = ignoreProgress
  ) throws {
    let found = Mutex<[Int: MatrixSpectrum]>([:])
    let failure = Mutex<(any Error)?>(nil)
    let done = Atomic<Int>(0)
    Parallel.forEach(matrices.count, grain: 1) { range in
      for index in range {
        if Cancellation.isRequested { return }
        do {
          let matrix = matrices[index]
          let spectrum = try MatrixSpectrum(matrix.weight, name: matrix.role.description, options: options)
          found.withLock { $0[index] = spectrum }
        } catch {
          failure.withLock { $0 = $0 ?? error }
        }
        let completed = done.add(1, ordering: .relaxed).newValue
        progress(
          ProgressEvent(stage: "spectra", completed: completed, total: matrices.count, unit: "matrices"))
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
    try Cancellation.check()
    lines = found.withLock { found in
      matrices.indices.compactMap { index in
        found[index].map { Line(role: matrices[index].role, spectrum: $0) }
      }
    }
  }
}
