// swift-tools-version: 6.2
import Foundation
import PackageDescription

/// Language settings shared by every Swift target.
let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]
/// For the targets with hot Swift loops: debug builds of numeric code are otherwise a hundred times slower.
let numeric: [SwiftSetting] = strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]

let collections: Target.Dependency = .product(name: "OrderedCollections", package: "swift-collections")

/// The Swift libraries, in the order in which they build on one another: a row imports only rows above it.
let libraries: [(name: String, dependencies: [Target.Dependency])] = [
  ("Runtime", ["CKernels"]),
  ("Tensors", ["CKernels", "Runtime"]),
  ("JSON", ["CJSONC", "Runtime", collections]),
  ("Recipes", ["JSON", "Runtime", collections]),
  ("LinearAlgebra", ["COpenBLAS", "CLAPACKE", "Runtime", "Tensors"]),
  ("Statistics", ["Runtime"]),
  ("Tokenizers", ["JSON", "Runtime", collections]),
  ("Layers", ["Tensors", "CKernels", "Runtime"]),
  ("Checkpoints", ["CKernels", "Runtime", "Tensors", "JSON", collections]),
  ("Architectures", ["Runtime", "Tensors", "JSON", "Checkpoints", collections]),
  ("Transformers", ["Layers", "Architectures", "Checkpoints", "Tensors", "Runtime", collections]),
  ("Reports", ["Runtime", "JSON", "Statistics", collections]),
  ("Organism", ["COrganism", "Runtime", "JSON", collections]),
  (
    "Probing",
    [
      "Architectures", "Transformers", "Layers", "Tokenizers", "Checkpoints", "LinearAlgebra", "Statistics",
      "Tensors",
      "JSON",
      "Runtime", collections,
    ]
  ),
  (
    "Evaluation",
    [
      "Architectures", "Transformers", "Tokenizers", "Layers", "Tensors", "Organism", "Probing", "Statistics",
      "JSON",
      "Runtime",
      collections,
    ]
  ),
  (
    "Importance",
    [
      "Architectures", "Transformers", "Layers", "LinearAlgebra", "Tensors", "Tokenizers", "Checkpoints",
      "Evaluation", "Probing", "Statistics", "CKernels", "JSON", "Runtime", collections,
    ]
  ),
  (
    "Surgery",
    [
      "Architectures", "Transformers", "Layers", "LinearAlgebra", "Tensors", "Tokenizers", "Checkpoints",
      "Evaluation", "Statistics",
      "JSON", "Runtime", collections,
    ]
  ),
  (
    "Training",
    [
      "Architectures", "Transformers", "Tokenizers", "Layers", "Checkpoints", "Probing", "Recipes", "Tensors",
      "JSON", "Runtime", collections,
    ]
  ),
  (
    "Distillation",
    [
      "Training", "Layers", "Probing", "Checkpoints", "Recipes", "Statistics", "Tensors", "JSON", "Runtime",
      collections,
    ]
  ),
  (
    "Regimes",
    [
      "Training", "Importance", "Recipes", "Architectures", "Checkpoints", "Layers", "LinearAlgebra",
      "Probing",
      "Tensors", "Statistics", "JSON", "Runtime", collections,
    ]
  ),
  (
    "Operation",
    [
      "Architectures", "Checkpoints", "Transformers", "Layers", "Tokenizers", "Tensors", "Organism",
      "Probing",
      "Evaluation", "Surgery", "Recipes",
      "Statistics", "JSON", "Runtime", collections,
    ]
  ),
]

/// What the programs may import.
let everything: [Target.Dependency] = libraries.map { .init(stringLiteral: $0.name) }

/// The tests of a library `X` lie in `Tests/XTests`; fixtures and the scripts that record them stay out of the build.
let tests: [(name: String, dependencies: [Target.Dependency], exclude: [String])] = [
  ("Runtime", [], []),
  ("JSON", [], []),
  ("Recipes", ["JSON", "Runtime"], []),
  ("Statistics", ["JSON"], ["Fixtures", "record_statistics.py"]),
  ("LinearAlgebra", ["Runtime"], []),
  ("Checkpoints", ["CKernels"], ["Fixtures", "Oracle"]),
  ("Tensors", ["TestSupport", "Runtime"], []),
  ("Layers", ["Tensors", "CKernels", "TestSupport", "Runtime"], []),
  ("Tokenizers", ["JSON", "Runtime", collections], ["Fixtures", "Scripts"]),
  ("Architectures", ["JSON", "Runtime"], ["Fixtures", "record_defaults.py"]),
  (
    "Transformers",
    [
      "Architectures", "Checkpoints", "Layers", "Tokenizers", "JSON", "Tensors", "TestSupport", "Runtime",
      collections,
    ],
    [
      "COMPUTE.md", "Fixtures", "PARITY.md", "README.md", "random_checkpoint.py", "record_parity.py",
      "record_parity_encoders.py", "record_parity_moe.py", "write_reference.py",
    ]
  ),
  (
    "Probing",
    [
      "Checkpoints", "LinearAlgebra", "Statistics", "Tokenizers", "JSON", "Tensors", "TestSupport", "Runtime",
      collections,
    ],
    ["Fixtures", "record_probes.py"]
  ),
  (
    "Evaluation",
    [
      "Architectures", "Checkpoints", "Layers", "Organism", "Probing", "Tokenizers", "Transformers",
      "Tensors",
      "TestSupport", "Statistics", "JSON", "Runtime", collections,
    ],
    ["Fixtures", "record_tasks.py"]
  ),
  (
    "Importance",
    [
      "Architectures", "Checkpoints", "Evaluation", "Layers", "LinearAlgebra", "Organism", "Probing",
      "Statistics", "Tokenizers", "Transformers", "Tensors", "TestSupport", "CKernels", "JSON", "Runtime",
      collections,
    ],
    ["Fixtures", "Scripts"]
  ),
  (
    "Surgery",
    [
      "Architectures", "Checkpoints", "Layers", "LinearAlgebra", "Organism", "Tensors", "TestSupport",
      "Transformers", "JSON", "Runtime", collections,
    ],
    []
  ),
  ("Reports", ["Runtime", "JSON", "Statistics"], ["Fixtures", "Oracles"]),
  ("Organism", ["Runtime", "JSON", collections], []),
  (
    "Training",
    [
      "Architectures", "Checkpoints", "Transformers", "JSON", "Layers", "Probing", "Recipes", "Tensors",
      "TestSupport", "Runtime", collections,
    ],
    [
      "Fixtures", "record_decoders.py", "record_mnist1d.py", "record_npz.py", "record_residual.py",
      "record_training.py",
    ]
  ),
  (
    "Distillation",
    [
      "Training", "JSON", "Probing", "Recipes", "Statistics", "Tensors", "TestSupport", "Runtime",
      collections,
    ],
    ["Fixtures", "record_classification.py"]
  ),
  (
    "Regimes",
    ["Training", "Importance", "Layers", "Tensors", "TestSupport", "Statistics", "JSON", "Runtime"],
    ["Fixtures", "record_landscape.py"]
  ),
  (
    "Bench",
    [
      "Checkpoints", "Probing", "Reports", "JSON", "Runtime", "Tensors", "Tokenizers", "Transformers",
      collections,
    ], []
  ),
]

/// What lies in a folder of the package and is no source.
func present(_ names: [String], in folder: String) -> [String] {
  names.filter { FileManager.default.fileExists(atPath: "\(Context.packageDirectory)/\(folder)/\($0)") }
}

let package = Package(
  name: "surgeon",
  products: [
    .library(name: "SurgeonKit", targets: libraries.map(\.name))
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CLAPACKE", pkgConfig: "lapacke", providers: [.apt(["liblapacke-dev"])]),
    .systemLibrary(name: "CJSONC", pkgConfig: "json-c", providers: [.apt(["libjson-c-dev"])]),
    .target(
      name: "CKernels", exclude: present(["README.md"], in: "Sources/CKernels"),
      cSettings: [.unsafeFlags(["-O3", "-Wall", "-Werror", "-ffp-contract=off"])]),
    .target(
      name: "COrganism", exclude: ["checkpoint"],
      cSettings: [.unsafeFlags(["-std=c23", "-Wall", "-Werror"])]),
    .target(
      name: "TestSupport",
      dependencies: ["Tensors", "Layers", "Checkpoints", "JSON", "Runtime", collections],
      path: "Tests/Support", swiftSettings: numeric),
    .executableTarget(
      name: "surgeon",
      dependencies: [
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Yams", package: "Yams"),
        collections,
      ] + everything, exclude: ["README.md"], swiftSettings: strict),
    .executableTarget(
      name: "Bench",
      dependencies: [
        .product(name: "ArgumentParser", package: "swift-argument-parser"), collections,
      ] + everything, exclude: present(["README.md", "Peers"], in: "Sources/Bench"), swiftSettings: strict),
  ]
    + libraries.map {
      .target(
        name: $0.name, dependencies: $0.dependencies,
        exclude: present(["README.md", "Recipes"], in: "Sources/\($0.name)"),
        swiftSettings: numeric)
    }
    + tests.map {
      .testTarget(
        name: "\($0.name)Tests", dependencies: [.init(stringLiteral: $0.name)] + $0.dependencies,
        exclude: present($0.exclude, in: "Tests/\($0.name)Tests"), swiftSettings: strict)
    }
    + [
      .testTarget(
        name: "SurgeonProgramTests",
        dependencies: [
          "surgeon", "Checkpoints", "Organism", "Probing", "Reports", "Tensors", "TestSupport", "JSON",
          "Runtime",
          collections,
        ],
        swiftSettings: strict)
    ],
  swiftLanguageModes: [.v6]
)
