import Runtime
import Tensors
import TestSupport
import Testing

/// The Swift twin of random_checkpoint.py, by known values and by the recorded hashes of every case.
@Suite struct RandomCheckpointTests {
  @Test func knownValues() {
    let tensor = RandomTensor("probe", [4], scale: 0.75, mean: 0.5).tensor(seed: 7)
    // random_checkpoint.values(7, dict(name="probe", shape=[4], scale=0.75, mean=0.5))
    #expect(
      tensor.toFloats() == [0.7201040983200073, 1.0777722597122192, 1.0301872491836548, 0.021264582872390747])
  }

  @Test(arguments: ParityFixture.names)
  func sameBytesAsPython(name: String) throws {
    let fixture = try ParityFixture(name)
    var hash = SHA256()
    for spec in fixture.tensors {
      let tensor = spec.tensor(seed: fixture.seed)
      withExtendedLifetime(tensor) { hash.update(tensor.bytes) }
    }
    #expect(hash.hex() == fixture.sha256)
  }
}
