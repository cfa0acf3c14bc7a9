// swift-tools-version: 6.2
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
  ("Organism", ["COrganism", "Runtime", "JSON", collections]),
]

/// The modules with a README of their own, which is no source.
let documented: Set<String> = ["Organism"]

let package = Package(
  name: "surgeon",
  products: [
    .library(name: "SurgeonKit", targets: libraries.map(\.name))
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-numerics", from: "1.1.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CLAPACKE", pkgConfig: "lapacke", providers: [.apt(["liblapacke-dev"])]),
    .systemLibrary(name: "CJSONC", pkgConfig: "json-c", providers: [.apt(["libjson-c-dev"])]),
    .target(name: "CKernels", cSettings: [.unsafeFlags(["-O3", "-Wall", "-Werror"])]),
    .target(
      name: "COrganism", exclude: ["checkpoint"],
      cSettings: [.unsafeFlags(["-std=c23", "-Wall", "-Werror"])]),
  ]
    + libraries.map {
      .target(
        name: $0.name, dependencies: $0.dependencies,
        exclude: documented.contains($0.name) ? ["README.md"] : [],
        swiftSettings: numeric)
    }
    + [
      .executableTarget(
        name: "Bench",
        dependencies: [
          "Organism", "Runtime", "JSON", collections,
          .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ],
        swiftSettings: strict),
      .testTarget(name: "RuntimeTests", dependencies: ["Runtime"], swiftSettings: strict),
      .testTarget(name: "JSONTests", dependencies: ["JSON"], swiftSettings: strict),
      .testTarget(
        name: "OrganismTests", dependencies: ["Organism", "Runtime", "JSON", collections],
        swiftSettings: strict),
    ],
  swiftLanguageModes: [.v6]
)
