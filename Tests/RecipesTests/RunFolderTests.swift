import JSON
import Recipes
import Runtime
import Testing

@Suite struct RunFolderTests {
  private static func inFolder(_ work: (String) throws -> Void) throws {
    let folder = "/tmp/surgeon-run-folder-\(UInt64.random(in: 0 ... .max))"
    defer { try? Files.remove(folder) }
    try work(folder)
  }

  @Test func theSameKeyResumesAndAnotherIsRefused() throws {
    try Self.inFolder { path in
      #expect(try RunFolder(path, key: ["seed": 1]).resumed == false)
      #expect(try RunFolder(path, key: ["seed": 1]).resumed)
      let error = try #require(throws: RecipeError.otherRecipe(folder: path)) {
        try RunFolder(path, key: ["seed": 2])
      }
      #expect(error.exitCode == .cannotCreate)
    }
  }

  @Test func aFolderOfSomethingElseIsRefused() throws {
    try Self.inFolder { path in
      try Files.makeFolder(path)
      try Files.write("mine", to: path + "/notes.txt")
      #expect(throws: RecipeError.notARun(folder: path)) { try RunFolder(path, key: [:]) }
    }
  }

  /// A file that was being written at a kill is no part of the run that goes on and ends.
  @Test func whatAKilledRunLeftIsRemoved() throws {
    try Self.inFolder { path in
      let folder = try RunFolder(path, key: [:])
      try Files.makeFolder(path + "/model.partial-1")
      for name in ["state.json", "state.json.partial-12", "model.partial-1/config.json"] {
        try Files.write("1", to: folder.file(name))
      }
      try folder.writeSums()
      #expect(try Files.list(path) == ["SHA256SUMS", "run.json", "state.json"])
      #expect(try folder.verifySums() == 2)
    }
  }

  @Test func aRunThatWasKilledBeforeItsRecordIsBegunAnew() throws {
    try Self.inFolder { path in
      try Files.makeFolder(path)
      try Files.write("{", to: path + "/run.json.partial-7")
      #expect(try RunFolder(path, key: [:]).resumed == false)
    }
  }

  @Test func changedFilesOfAFinishedRunAreFound() throws {
    try Self.inFolder { path in
      let folder = try RunFolder(path, key: [:])
      try Files.makeFolder(path + "/cells")
      try Files.write("1", to: folder.file("cells/a.json"))
      try folder.writeSums()
      #expect(folder.isFinished)
      #expect(try folder.verifySums() == 2)
      try Files.write("2", to: folder.file("cells/a.json"))
      #expect(throws: RecipeError.changed(file: folder.file("cells/a.json"))) { try folder.verifySums() }
    }
  }
}
