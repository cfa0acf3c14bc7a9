import Reports
import Testing

@Suite struct ChartTests {
  private var line: LineChart {
    LineChart(
      title: "AUROC of probes by site", summary: "It rises up to block 3.",
      places: .names(["embeddings", "0", "1", "2", "final norm"], title: "site"),
      y: ChartAxis("AUROC", range: 0.4...1),
      series: [
        .init(
          "logistic",
          [
            .init(0.5, lower: 0.45, upper: 0.55), .init(0.86, lower: 0.83, upper: 0.89), .init(nil),
            .init(0.9, lower: 0.88, upper: 0.93), .init(0.88, lower: 0.86, upper: 0.91),
          ]),
        .init("means <&>", [0.5, 0.7, 0.76, 0.9, 0.91].map { .init($0) }),
      ], references: [("chance", 0.5)], marked: 3)
  }
  private var scatter: ScatterChart {
    ScatterChart(
      title: "Effect against damage", x: ChartAxis("KL (nats)", scale: .logarithmic),
      y: ChartAxis("drop (points)", style: .points),
      series: [
        .init(
          "front", [.init(x: 0.0004, y: 0.18, name: "2"), .init(x: 0.0023, y: 0.3, name: "3")],
          connected: true),
        .init(
          "result",
          [.init(x: 0.0238, y: 0.527, yRange: 0.49...0.563, name: "4", label: "on test", isMarked: true)]),
        .init("controls", [.init(x: 0, y: -0.046, xRange: 0.001...0.005, name: "random")]),
      ], zone: .init(x: (nil, 0.01), y: (0.3, nil), label: "asked for"), references: [("no effect", 0)])
  }
  private var lying: BarChart {
    BarChart(
      title: "Replies", direction: .lying, axis: ChartAxis("share", style: .percent, range: 0...1),
      namesTitle: "Model",
      parts: [.init("hostile", slot: 1), .init("mixed", slot: 4, hatched: true), .init("civil", slot: 0)],
      bars: [
        .init("before", [0.716, 0.003, 0.251], group: "provoking"),
        .init("after", [0.189, 0.118, 0.64], group: "provoking"),
        .init("before", [nil, 0, 0.9], group: "plain"),
      ])
  }
  private var standing: BarChart {
    BarChart(
      title: "Rows", direction: .standing, axis: ChartAxis("rows", style: .count), namesTitle: "block",
      parts: [.init("rows", slot: 0)], bars: [6, 5, 5, 8, 10, 8].enumerated().map { .init("\($0)", [$1]) })
  }
  private var map: HeatMap {
    HeatMap(
      title: "Rows by place", rows: ["0", "1"], rowsTitle: "block", columns: ["0", "16", "32"],
      columnsTitle: "row",
      valueTitle: "rows changed", values: [[0, 2, nil], [1, 0, 1]])
  }

  @Test func goldens() throws {
    try Golden.check(line.svg(), "line.svg")
    try Golden.check(scatter.svg(standalone: false, id: "x"), "scatter.svg")
    try Golden.check(lying.svg(standalone: false, id: "x"), "bars-lying.svg")
    try Golden.check(standing.svg(standalone: false, id: "x"), "bars-standing.svg")
    try Golden.check(map.svg(standalone: false, id: "x"), "map.svg")
  }

  @Test func everyChartHasATitleAndATable() {
    let charts: [any Chart] = [line, scatter, lying, standing, map]
    for chart in charts {
      let svg = chart.svg(standalone: false, id: "q")
      #expect(svg.contains("<title id=\"q-title\">"))
      #expect(svg.contains("aria-labelledby=\"q-title q-desc\""))
      #expect(!svg.contains("<style"))
      #expect(!chart.table.rows.isEmpty)
      #expect(!svg.contains("nan") && !svg.contains("not a number") && !svg.contains("∞"))
    }
    #expect(line.svg().contains("prefers-color-scheme"))
    #expect(line.table.csv().contains("embeddings,0.5,0.450 … 0.550,0.5"))
  }

  @Test func chartsOfNothingAreStillCharts() {
    let empty: [any Chart] = [
      LineChart(title: "t", places: .names([], title: "site"), y: ChartAxis("y"), series: []),
      LineChart(
        title: "t", places: .numbers([1], ChartAxis("x")), y: ChartAxis("y"), series: [.init("a", [.init(3)])]
      ),
      ScatterChart(title: "t", x: ChartAxis("x", scale: .logarithmic), y: ChartAxis("y"), series: []),
      BarChart(title: "t", direction: .lying, axis: ChartAxis("v"), namesTitle: "n", parts: [], bars: []),
      BarChart(
        title: "t", direction: .standing, axis: ChartAxis("v", style: .count), namesTitle: "n",
        parts: [.init("p", slot: 0)], bars: [.init("a", [0])]),
      HeatMap(
        title: "t", rows: [], rowsTitle: "r", columns: [], columnsTitle: "c", valueTitle: "v", values: []),
      HeatMap(
        title: "t", rows: ["0"], rowsTitle: "r", columns: ["0"], columnsTitle: "c", valueTitle: "v",
        values: [[.nan]]),
    ]
    for chart in empty {
      let svg = chart.svg()
      #expect(svg.hasPrefix("<svg ") && svg.hasSuffix("</svg>\n"))
      #expect(!svg.contains("not a number") && !svg.contains("∞"))
    }
  }

  @Test func ticksAreRound() {
    func labels(_ chart: LineChart) -> [String] {
      chart.svg().split(separator: "\n").filter { $0.contains("class=\"m n\"") && $0.contains("\"end\"") }.map
      { line in
        String(line.drop { $0 != ">" }.dropFirst().prefix { $0 != "<" })
      }
    }
    func chart(_ values: [Double], _ axis: ChartAxis) -> LineChart {
      LineChart(
        title: "t", places: .numbers(values.indices.map(Double.init), ChartAxis("x")), y: axis,
        series: [.init("a", values.map { .init($0) })])
    }
    #expect(labels(chart([0, 1], ChartAxis("y"))) == ["0", "0.2", "0.4", "0.6", "0.8", "1"])
    #expect(labels(chart([-3, 17], ChartAxis("y"))) == ["0", "5", "10", "15"])
    #expect(
      labels(chart([1e-6, 1], ChartAxis("y", scale: .logarithmic))) == [
        "1e-6", "0.00001", "0.0001", "0.001", "0.01", "0.1", "1",
      ])
    #expect(
      labels(chart([2, 90], ChartAxis("y", scale: .logarithmic))) == ["3", "10", "30", "100"])
    #expect(
      labels(chart([0.01, 0.49], ChartAxis("y", style: .percent))) == [
        "0 %", "10 %", "20 %", "30 %", "40 %", "50 %",
      ])
  }

  @Test func namesOfNearLevelsStandBesideOneAnother() {
    let chart = LineChart(
      title: "t", places: .names(["a", "b"], title: "site"), y: ChartAxis("y", range: 0...1),
      series: [.init("s", [.init(0.2), .init(0.9)])],
      references: [("chance", 0.5), ("shuffled", 0.51), ("words", 0.8)])
    let ends = chart.svg().split(separator: "\n").filter { $0.contains("m halo") }.compactMap { line in
      line.split(separator: "\"").dropFirst().first.flatMap { Double($0) }
    }
    #expect(ends.count == 3)
    #expect(ends[0] == ends[2] && ends[1] < ends[0] - 50)
  }
}
