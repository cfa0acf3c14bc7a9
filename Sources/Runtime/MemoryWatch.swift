import Glibc
import Synchronization

/// The largest anonymous memory (`RssAnon`) of this process: the kernel keeps no such mark, so a thread looks often.
public enum MemoryWatch {
  private static let largest = Atomic<UInt64>(0)
  private static let watching = Atomic<Bool>(false)

  /// The largest of all looks so far, one of them now, in bytes.
  public static var peakAnonymousBytes: UInt64 {
    look()
    return largest.load(ordering: .relaxed)
  }

  /// Starts looking every 20 ms (about 0.2 % of one core) until the process ends; further calls do nothing.
  public static func start() {
    guard !watching.exchange(true, ordering: .relaxed) else { return }
    look()
    var thread = pthread_t()
    let failed = pthread_create(
      &thread, nil,
      { _ in
        while true {
          usleep(20_000)
          MemoryWatch.look()
        }
      }, nil)
    if failed == 0 { pthread_detach(thread) } else { watching.store(false, ordering: .relaxed) }
  }

  /// Forgets the looks so far, so that a part of a run can be watched by itself.
  public static func restart() {
    largest.store(0, ordering: .relaxed)
    look()
  }

  private static func look() {
    let now = Machine.anonymousBytes
    _ = largest.max(now, ordering: .relaxed)
  }
}
