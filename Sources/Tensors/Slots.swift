/// Places that parallel code fills side by side, each index by one thread only.
public final class Slots<Element>: @unchecked Sendable {
  private let buffer: UnsafeMutableBufferPointer<Element>

  /// `count` places with the same content.
  public init(repeating value: Element, count: Int) {
    buffer = .allocate(capacity: count)
    buffer.initialize(repeating: value)
  }

  /// Places with the given contents.
  public init(_ values: [Element]) {
    buffer = .allocate(capacity: values.count)
    _ = buffer.initialize(from: values)
  }

  deinit {
    buffer.deinitialize()
    buffer.deallocate()
  }

  /// One place.
  public subscript(index: Int) -> Element {
    get { buffer[index] }
    set { buffer[index] = newValue }
  }

  /// All contents, once every thread is done.
  public var values: [Element] { Array(buffer) }
}
