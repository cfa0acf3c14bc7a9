import CJSONC
import Runtime

/// A parsed text that stays in json-c's tree, for files with hundreds of thousands of members of which few are
/// wanted as values (vocabularies).
///
/// Keys are compared by their bytes. A ``JSONValue`` object is keyed by Swift strings, which are equal when they
/// are canonically equivalent: two keys that differ only in Unicode normalisation are one key there and two here.
public struct JSONDocument: ~Copyable {
  private let tree: OpaquePointer?

  /// Parses one value; `source` names the text in errors.
  /// - Throws: ``JSONError/syntax(source:offset:reason:)``.
  public init(parsing bytes: [UInt8], source: String = "the text") throws {
    tree = try bytes.withUnsafeBytes { try JSONValue.tree($0, source: source) }
  }

  deinit { json_object_put(tree) }

  /// Gives access to the tree; the node must not leave the closure.
  public func withRoot<Result>(_ body: (JSONNode) throws -> Result) rethrows -> Result {
    try body(JSONNode(object: tree))
  }
}

/// One value inside a ``JSONDocument``, valid while the document's closure runs.
public struct JSONNode {
  let object: OpaquePointer?

  /// The member of an object, nil for anything else.
  public subscript(key: String) -> JSONNode? {
    guard json_object_get_type(object) == json_type_object else { return nil }
    var member: OpaquePointer?
    return json_object_object_get_ex(object, key, &member) == 0 ? nil : JSONNode(object: member)
  }

  /// The value, copied out of the tree.
  public var value: JSONValue { JSONValue.value(object) }

  /// Whether this is an object.
  public var isObject: Bool { json_object_get_type(object) == json_type_object }

  /// The integer, where this is one.
  public var int: Int? {
    json_object_get_type(object) == json_type_int ? Int(json_object_get_int64(object)) : nil
  }

  /// The number, where this is one.
  public var double: Double? {
    let type = json_object_get_type(object)
    return type == json_type_int || type == json_type_double ? json_object_get_double(object) : nil
  }

  /// The text's UTF-8, where this is a text; valid while the document's closure runs.
  public var utf8: UnsafeRawBufferPointer? {
    guard json_object_get_type(object) == json_type_string else { return nil }
    return UnsafeRawBufferPointer(
      start: json_object_get_string(object), count: Int(json_object_get_string_len(object)))
  }

  /// Number of elements of a list; nil for anything else.
  public var count: Int? {
    json_object_get_type(object) == json_type_array ? json_object_array_length(object) : nil
  }

  /// The element at an index of a list.
  public subscript(index: Int) -> JSONNode { JSONNode(object: json_object_array_get_idx(object, index)) }

  /// Calls `body` with the key's UTF-8 and the value of each member, in order; does nothing for other values.
  public func forEachMember(_ body: (UnsafeRawBufferPointer, JSONNode) throws -> Void) rethrows {
    guard isObject else { return }
    var iterator = json_object_iter_begin(object)
    var end = json_object_iter_end(object)
    while json_object_iter_equal(&iterator, &end) == 0 {
      if let name = json_object_iter_peek_name(&iterator) {
        var length = 0
        while name[length] != 0 { length += 1 }
        try body(
          UnsafeRawBufferPointer(start: name, count: length),
          JSONNode(object: json_object_iter_peek_value(&iterator)))
      }
      json_object_iter_next(&iterator)
    }
  }
}
