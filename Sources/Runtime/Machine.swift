import Glibc

/// Facts about the machine and the process that reports and benches print.
public enum Machine {
  /// Processors this process may run on.
  public static var processors: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

  /// Physical memory in bytes.
  public static var memoryBytes: UInt64 { UInt64(sysconf(Int32(_SC_PHYS_PAGES))) * UInt64(getpagesize()) }

  /// Memory that programs can still take without swapping, in bytes, as the system estimates it.
  public static var availableMemoryBytes: UInt64 {
    let text = field("MemAvailable", in: "/proc/meminfo")?.split(separator: " ").first
    return (text.flatMap { UInt64($0) } ?? 0) * 1024
  }

  /// The processor's name as the system gives it.
  public static var processorName: String { field("model name", in: "/proc/cpuinfo") ?? "unknown" }

  /// System name and release, such as `Linux 6.1.0 x86_64`.
  public static var system: String {
    var name = utsname()
    uname(&name)
    func text<T>(_ value: T) -> String {
      withUnsafeBytes(of: value) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
    return "\(text(name.sysname)) \(text(name.release)) \(text(name.machine))"
  }

  /// Anonymous resident memory of this process now, in bytes (`RssAnon`): what is neither code nor mapped file.
  public static var anonymousBytes: UInt64 { kilobytes("RssAnon") }

  /// Largest resident memory of this process so far, in bytes, mapped files included (`VmHWM`).
  public static var peakBytes: UInt64 { kilobytes("VmHWM") }

  private static func kilobytes(_ key: String) -> UInt64 {
    guard let text = field(key, in: "/proc/self/status")?.split(separator: " ").first else { return 0 }
    return (UInt64(text) ?? 0) * 1024
  }

  private static func field(_ key: String, in path: String) -> String? {
    guard let text = try? Files.readText(path) else { return nil }
    for line in text.split(separator: "\n") where line.hasPrefix(key) {
      guard let colon = line.firstIndex(of: ":") else { continue }
      return line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }.description
    }
    return nil
  }

  /// Seconds on a clock that only runs forward.
  public static var seconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// The date and time now, UTC, as ISO 8601 with seconds.
  public static var timestamp: String {
    var now = time(nil)
    var parts = tm()
    gmtime_r(&now, &parts)
    var buffer = [CChar](repeating: 0, count: 32)
    let count = strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
    return String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}

extension Machine {
  /// The instruction sets of this processor that change how fast this program is, such as `avx2`.
  public static var instructionSets: [String] {
    let known = [
      "sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16",
      "avx512_fp16", "amx_tile", "amx_bf16", "asimd", "asimdhp", "sve", "bf16", "i8mm",
    ]
    let flags = Set(
      (field("flags", in: "/proc/cpuinfo") ?? field("Features", in: "/proc/cpuinfo") ?? "").split(
        separator: " "))
    return known.filter { flags.contains(Substring($0)) }
  }
}
