import Runtime

extension DataKind {
  static let mnist1d = DataKind(
    name: "mnist1d", summary: "MNIST-1D, made in code: ten classes of signals of 40 numbers",
    reference: "arXiv 2011.14439", slots: [],
    parameters: [
      MethodParameter("items", "signals, in tens", .integer(100...1_000_000, standard: 5000)),
      MethodParameter(
        "generator_seed", "seed of the generator; 42 is the published set",
        .integer(0...4_294_967_295, standard: 42)),
    ],
    // 4,000 published training items, of which the last 500 choose, and 1,000 that test.
    standard: (.share(0.2), .share(0.125)),
    read: { sources in
      let (signals, labels) = MNIST1D.make(
        count: sources.settings.integer("items") ?? 5000,
        seed: UInt32(sources.settings.integer("generator_seed") ?? 42))
      let data = try LabelledData(
        signals, shape: [MNIST1D.width], labels: labels, classes: 10, source: "MNIST-1D")
      return (data, nil)
    })

  static let idx = DataKind(
    name: "idx", summary: "images of MNIST's format, bytes as 0…1", reference: nil,
    slots: [
      Slot("images", "IDX file of the images, unpacked"), Slot("labels", "IDX file of the labels"),
      Slot("test_images", "images that test", required: false),
      Slot("test_labels", "their labels", required: false),
    ],
    parameters: [], standard: (.share(0.2), .share(0.1)),
    read: { sources in
      let items = try IDXFile.read(
        images: sources.file("images"), labels: sources.file("labels"), classes: sources.classes)
      guard sources.files["test_images"] != nil else { return (items, nil) }
      return (
        items,
        try IDXFile.read(
          images: sources.file("test_images"), labels: sources.file("test_labels"), classes: items.classes)
      )
    })

  static let cifar10 = cifar(
    .cifar10, name: "cifar10", summary: "CIFAR-10's binary files: images of 3 × 32 × 32")
  static let cifar100 = cifar(
    .cifar100, name: "cifar100", summary: "CIFAR-100's binary files: images of 3 × 32 × 32, fine labels")

  private static func cifar(_ kind: CIFARFile.Kind, name: String, summary: String) -> DataKind {
    DataKind(
      name: name, summary: summary + ", standardised by channel as the papers do", reference: nil,
      slots: [
        Slot("train", "binary files of the training images", list: true),
        Slot("test", "binary file of the test images", required: false),
      ],
      parameters: [], standard: (.share(0.2), .share(0.1)),
      read: { sources in
        (
          try CIFARFile.read(sources.files["train"] ?? [], kind: kind),
          try sources.files["test"].map { try CIFARFile.read($0, kind: kind) }
        )
      })
  }

  static let csv = DataKind(
    name: "csv", summary: "a table with a heading: a column of labels, every other one a number of the item",
    reference: nil,
    slots: [
      Slot("file", "the table"), Slot("test", "a table that tests", required: false),
    ],
    parameters: [
      MethodParameter("label_column", "name of the labels' column", .word(standard: "label"))
    ],
    standard: (.share(0.2), .share(0.1)),
    read: { sources in
      let column = sources.settings.choice("label_column") ?? "label"
      let items = try LabelledData(
        csv: sources.file("file"), labelColumn: column, classes: sources.classes)
      let test = try sources.files["test"].map {
        try LabelledData(csv: $0[0], labelColumn: column, classes: items.classes)
      }
      return (items, test)
    })

  static let npy = DataKind(
    name: "npy", summary: "NumPy arrays, or FILE.npz:NAME: numbers [n, …] and labels [n]", reference: nil,
    slots: [
      Slot("inputs", "array of the numbers"), Slot("labels", "array of the labels"),
      Slot("test_inputs", "numbers that test", required: false),
      Slot("test_labels", "their labels", required: false),
    ],
    parameters: [
      MethodParameter(
        "shape", "sizes of an item, such as 1, 28, 28; by default one row",
        .integers(1...1_000_000, standard: []))
    ],
    standard: (.share(0.2), .share(0.1)),
    read: { sources in
      let shape = sources.settings.integers("shape") ?? []
      let items = try LabelledData(
        npy: sources.file("inputs"), labels: sources.file("labels"), shape: shape, classes: sources.classes)
      guard sources.files["test_inputs"] != nil else { return (items, nil) }
      return (
        items,
        try LabelledData(
          npy: sources.file("test_inputs"), labels: sources.file("test_labels"), shape: shape,
          classes: items.classes)
      )
    })
}
