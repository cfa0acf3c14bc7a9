import Glibc
import Runtime

/// Ctrl-C and a batch system's SIGTERM ask for a stop between two items of work; the second Ctrl-C ends at once.
enum SignalHandlers {
  static func install() {
    let handler: @convention(c) (Int32) -> Void = { signal in
      if Cancellation.isRequested && signal == SIGINT { _exit(130) }
      Cancellation.request()
    }
    signal(SIGINT, handler)
    signal(SIGTERM, handler)
    // A parent that blocks signals (some job runners do) hands its mask down: then nothing could stop a long job.
    var asked = sigset_t()
    sigemptyset(&asked)
    sigaddset(&asked, SIGINT)
    sigaddset(&asked, SIGTERM)
    sigprocmask(SIG_UNBLOCK, &asked, nil)
    // A reader that closes the pipe early (`| head`) is no error worth a signal.
    signal(SIGPIPE, SIG_IGN)
  }
}
