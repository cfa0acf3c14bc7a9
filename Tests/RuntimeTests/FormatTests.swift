import Runtime
import Testing

@Suite struct FormatTests {
  @Test func fixedRoundsAsTheDecimalSays() {
    #expect(Format.fixed(2.6634, 3) == "2.663")
    #expect(Format.fixed(-0.0001, 2) == "0.00")
    #expect(Format.fixed(0.125, 2) == "0.12")  // exactly between: even
    #expect(Format.fixed(1e22, 0) == "10000000000000000000000")
    #expect(Format.fixed(.nan, 2) == "not a number")
    #expect(Format.fixed(-.infinity, 2) == "−∞")
  }

  @Test(
    arguments: [
      (0.0, "0"), (0.012345, "0.0123"), (1.2e-7, "1.2e-7"), (12345.0, "12345"), (123456.7, "123457"),
      (0.99999, "1"),
      (9.99e6, "9990000"), (9.999e6, "1e7"), (12_345_678.0, "1.23e7"), (-0.5, "-0.5"), (1.0 / 3, "0.333"),
      (100.0, "100"),
    ] as [(Double, String)])
  func significantKeepsWhatMatters(value: Double, text: String) {
    #expect(Format.significant(value, 3) == text)
  }

  @Test func unitsFit() {
    #expect(Format.percent(0.0234) == "2.3 %")
    #expect(Format.bytes(0) == "0 B")
    #expect(Format.bytes(1023) == "1023 B")
    #expect(Format.bytes(1024) == "1.00 KiB")
    #expect(Format.bytes(1024 * 1024 - 1) == "1.00 MiB")
    #expect(Format.bytes(1_331_691) == "1.27 MiB")
    #expect(Format.bytes(.max) == "16384 PiB")
    #expect(Format.seconds(0.00132) == "1.32 ms")
    #expect(Format.seconds(59.96) == "1 min 00 s")
    #expect(Format.seconds(125) == "2 min 05 s")
    #expect(Format.seconds(3599.6) == "1 h 00 min")
    #expect(Format.clock(3723) == "1:02:03")
    #expect(Format.clock(41.9) == "00:41")
    #expect(Format.count(2112) == "2112")
    #expect(Format.count(-36000) == "-36\u{202F}000")
    #expect(Format.signed(-1.25, 1) == "−1.2")
    #expect(Format.signed(0.04, 1) == "0.0")
    #expect(Format.signed(38.9, 1) == "+38.9")
  }
}
