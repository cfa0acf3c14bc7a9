import Glibc
import Probing
import Runtime
import Testing
import Tokenizers

/// Files that a test writes and removes.
final class Scratch {
  let folder: String
  init() throws {
    folder = "/tmp/surgeon-probing-\(getpid())-\(UInt64.random(in: 0..<UInt64.max))"
    try Files.makeFolder(folder)
  }
  deinit { try? Files.remove(folder) }
  func write(_ name: String, _ text: String) throws -> String {
    try Files.write(text, to: folder + "/" + name)
    return folder + "/" + name
  }
}

@Suite struct LabelledTextReaderTests {
  let scratch: Scratch
  init() throws { scratch = try Scratch() }

  @Test func jsonLines() throws {
    let path = try scratch.write(
      "a.jsonl",
      """
      \u{FEFF}{"text": "good day", "label": 0, "group": "t1", "id": "first"}\r

      {"text": "you \\u00e4 oaf", "label": true, "group": 7, "split": "test"}
      {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "go away"}], "label": "1"}
      {"prompt": "Anna: ", "text": "lovely", "label": false}
      """)
    let texts = try LabelledTextReader().read(path)
    #expect(texts.texts.map(\.label) == [0, 1, 1, 0])
    #expect(texts.texts.map(\.id) == ["first", "a.jsonl:3", "a.jsonl:4", "a.jsonl:5"])
    #expect(
      texts.texts[1].text == "you ä oaf" && texts.texts[1].group == "7" && texts.texts[1].split == .test)
    #expect(texts.texts[2].messages?.last == ChatMessage(role: "assistant", content: "go away"))
    #expect(texts.texts[3].content == "Anna: lovely")
    #expect(texts.groupCount == 4 && texts.copies == 0)
    #expect(texts.sources.first?.sha256 == (try Files.sha256(path)))
  }

  @Test func oneFileAClass() throws {
    let positive = try scratch.write("p.txt", "you oaf\n\nyou lout\n")
    let negative = try scratch.write("n.jsonl", #"{"text": "dear friend"}"# + "\n")
    let texts = try LabelledTextReader().read(positive: positive, negative: negative)
    #expect(texts.texts.map(\.label) == [1, 1, 0])
    #expect(texts.texts.map(\.id) == ["p.txt:1", "p.txt:3", "n.jsonl:1"])
    #expect(texts.sources.map(\.count) == [2, 1])
  }

  @Test func tables() throws {
    let csv = try scratch.write(
      "t.csv", "comment,verdict\r\n\"say \"\"hi\"\",\nthen go\",Toxic\r\nplain,Not Toxic\r\n")
    var reader = LabelledTextReader()
    reader.textKey = "comment"
    reader.labelKey = "verdict"
    reader.positiveClass = "Toxic"
    let texts = try reader.read(csv)
    #expect(texts.texts.map(\.text) == ["say \"hi\",\nthen go", "plain"])
    #expect(texts.texts.map(\.label) == [1, 0] && texts.texts.map(\.id) == ["t.csv:2", "t.csv:4"])
    #expect(texts.classNames == ["not Toxic", "Toxic"])
    let tsv = try scratch.write("t.tsv", "a \"quote\t0\nanother\t1\n")
    var plain = LabelledTextReader()
    (plain.textKey, plain.labelKey, plain.hasHeader) = ("1", "2", false)
    #expect(try plain.read(tsv).texts.map(\.text) == ["a \"quote", "another"])
  }

  @Test(arguments: [
    ("{\"text\": \"a\", \"label\": 1}\nnot json\n", "TEXTS_BAD_LINE", "line 2"),
    ("{\"text\": \"a\", \"label\": 1}\n[1]\n", "TEXTS_BAD_LINE", "line 2"),
    ("{\"text\": \"a\", \"label\": 1}\n\n{\"text\": \" \", \"label\": 0}\n", "TEXTS_EMPTY", "line 3"),
    ("{\"text\": \"a\", \"label\": 1}\n{\"text\": \"b\"}\n", "TEXTS_NO_LABEL", "line 2"),
    ("{\"text\": \"a\", \"label\": 2}\n", "TEXTS_UNKNOWN_LABEL", "line 1"),
    (
      "{\"text\": \"a\", \"label\": 1}\n{\"text\": \"b\", \"label\": 1}\n", "ONE_CLASS",
      "2 positive and 0 negative"
    ),
    ("", "ONE_CLASS", "0 positive and 0 negative"),
    ("{\"label\": 1}\n", "TEXTS_BAD_LINE", "no text"),
    ("{\"text\": 3, \"label\": 1}\n", "TEXTS_BAD_LINE", "that is no text"),
    ("{\"messages\": [{\"role\": \"user\"}], \"label\": 1}\n", "TEXTS_BAD_LINE", "no chat"),
    ("{\"text\": \"a\", \"label\": 1, \"split\": \"later\"}\n", "TEXTS_BAD_LINE", "later"),
  ])
  func errorsNameTheLine(content: String, code: String, mention: String) throws {
    let path = try scratch.write("bad.jsonl", content)
    let error = #expect(throws: ProbingError.self) { try LabelledTextReader().read(path) }
    #expect(error?.code == code)
    #expect(error?.found.contains(mention) == true, "\(error?.found ?? "")")
  }

  @Test(arguments: [
    ("text,label\n\"open,1\n", "never closed"), ("text,label\n\"a\"b,1\n", "after the closing quote"),
    ("text,label\na,1,2\n", "3 fields"), ("body,label\na,1\n", "no column text"),
    ("text,label\na,\n", "no label"),
  ])
  func tableErrors(content: String, mention: String) throws {
    let path = try scratch.write("bad.csv", content)
    let error = #expect(throws: ProbingError.self) { try LabelledTextReader().read(path) }
    #expect(error?.found.contains(mention) == true, "\(error?.found ?? "")")
  }

  @Test func bytesThatAreNoText() throws {
    let path = scratch.folder + "/latin1.jsonl"
    try Files.write(
      Array("{\"text\": \"a\", \"label\": 1}\n{\"text\": \"".utf8) + [0xE4] + Array("\"}\n".utf8), to: path)
    let error = #expect(throws: ProbingError.self) { try LabelledTextReader().read(path) }
    #expect(error?.found.contains("line 2: bytes that are no UTF-8") == true)
  }

  @Test func copiesAreGroupedOrRefused() throws {
    let path = try scratch.write(
      "copies.jsonl",
      """
      {"text": "same words", "label": 1, "group": "a"}
      {"text": "other words", "label": 0, "group": "b"}
      {"text": " same words ", "label": 0, "group": "c"}
      {"text": "third words", "label": 0, "group": "c"}
      """)
    var reader = LabelledTextReader()
    let texts = try reader.read(path)
    #expect(texts.copies == 1 && texts.conflicts == 1)
    #expect(texts.groups == [0, 1, 0, 0])  // the copy ties groups a and c together
    reader.duplicates = .refuse
    #expect(throws: ProbingError.duplicate(first: "copies.jsonl:1", second: "copies.jsonl:3", count: 1)) {
      try reader.read(path)
    }
  }

  @Test func theHashDependsOnTheExamplesOnly() throws {
    let lines = try scratch.write(
      "h.jsonl", "{\"text\": \"a\", \"label\": 1}\n{\"label\": 0, \"text\": \"b\"}\n")
    let table = try scratch.write("h.csv", "label,text\n1,a\n0,b\n")
    let other = try scratch.write("i.csv", "label,text\n1,a\n0,c\n")
    let reader = LabelledTextReader()
    #expect(try reader.read(lines).sha256 == reader.read(table).sha256)
    #expect(try reader.read(other).sha256 != reader.read(table).sha256)
  }
}
