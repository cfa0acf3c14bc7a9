import CJSONC
import OrderedCollections

extension JSONValue {
  /// How a value is laid out as text.
  public enum Layout: Sendable {
    /// One line.
    case plain
    /// Two spaces a level.
    case pretty
  }

  /// The text of the value: UTF-8 unescaped, slashes bare, doubles in the shortest form that reads back.
  /// - Throws: ``JSONError/notFinite(path:)``; say `null` and a reason instead.
  public func text(_ layout: Layout = .plain) throws -> String {
    let root = try object(path: "$")
    defer { json_object_put(root) }
    var flags = JSON_C_TO_STRING_NOSLASHESCAPE
    if layout == .pretty { flags |= JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED }
    guard let text = json_object_to_json_string_ext(root, flags) else { return "null" }
    return String(cString: text)
  }

  private func object(path: String) throws -> OpaquePointer? {
    switch self {
    case .null: return nil
    case .bool(let value): return json_object_new_boolean(value ? 1 : 0)
    case .int(let value): return json_object_new_int64(value)
    case .number(let value):
      guard value.isFinite else { throw JSONError.notFinite(path: path) }
      return json_object_new_double_s(value, value.description)
    case .string(let value):
      var value = value
      return value.withUTF8 { bytes in
        bytes.withMemoryRebound(to: CChar.self) { characters in
          guard let start = characters.baseAddress else { return json_object_new_string("") }
          return json_object_new_string_len(start, Int32(characters.count))
        }
      }
    case .array(let values):
      let list = json_object_new_array_ext(Int32(values.count))
      do {
        for (index, value) in values.enumerated() {
          json_object_array_add(list, try value.object(path: "\(path)[\(index)]"))
        }
      } catch {
        json_object_put(list)
        throw error
      }
      return list
    case .object(let members):
      let record = json_object_new_object()
      do {
        for (key, value) in members {
          json_object_object_add(record, key, try value.object(path: "\(path).\(key)"))
        }
      } catch {
        json_object_put(record)
        throw error
      }
      return record
    }
  }
}
