// swift-tools-version: 6.2
// Targets stand in dependency order: each may import only what stands above it. `scripts/check`
// holds the imports of every file against this list.
import PackageDescription

/// `scripts/check` sets it: warnings are errors to us, and warnings to whoever builds this with a newer
/// compiler.
let isStrict = Context.environment["WAFER_STRICT"] != nil

/// `scripts/fuzz` sets it: code counts its branches for libFuzzer, and AddressSanitizer watches its memory.
let isFuzzed = Context.environment["WAFER_FUZZ"] != nil

let swift: [SwiftSetting] =
  [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
  ] + (isStrict ? [.treatAllWarnings(as: .error)] : [])
  + (isFuzzed ? [.unsafeFlags(["-sanitize=fuzzer,address"]), .define("LIBFUZZER")] : [])

/// Kernels are always optimised, so that debug builds stay usable, and never contract `a * b + c`,
/// so that the bits of a result do not depend on the compiler's choice. What is fused says so.
let kernels: [CSetting] =
  [.unsafeFlags(["-O3", "-ffp-contract=off"])] + (isStrict ? [.treatAllWarnings(as: .error)] : [])

let package = Package(
  name: "WaferCluster",
  products: [
    .library(name: "ZeroMQ", targets: ["ZeroMQ"]),
    .executable(name: "wafer", targets: ["wafer"]),
    .executable(name: "wafer-node", targets: ["wafer-node"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0"),
    // Paths as swift-subprocess takes them.
    .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    // Percentiles of measured times.
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ],
  targets: [
    // Foreign code and its bindings.
    .systemLibrary(name: "CZeroMQ", providers: [.apt(["libzmq3-dev"]), .brew(["zeromq"])]),
    // libzmq's own development package brings it, and libzmq itself uses it.
    .systemLibrary(name: "CSodium", providers: [.apt(["libsodium-dev"]), .brew(["libsodium"])]),
    .target(name: "CKernels", cSettings: kernels, linkerSettings: [.linkedLibrary("m")]),
    .target(name: "CHost", cSettings: isStrict ? [.treatAllWarnings(as: .error)] : []),
    .target(name: "ZeroMQ", dependencies: ["CZeroMQ"], swiftSettings: swift),

    // Values: what is computed, on what, how long it takes.
    .target(
      name: "Quantities", swiftSettings: swift, linkerSettings: [.linkedLibrary("m")]),
    .target(name: "Fabric", dependencies: ["Quantities"], swiftSettings: swift),
    .target(name: "Models", swiftSettings: swift),
    .target(name: "Placement", dependencies: ["Models"], swiftSettings: swift),
    // Roots and roundings of a Double come from the C library on some processors.
    .target(
      name: "Defects", dependencies: ["Quantities"], swiftSettings: swift,
      linkerSettings: [.linkedLibrary("m")]),
    .target(
      name: "Hardware", dependencies: ["Quantities", "Models", "Placement", "Defects"],
      swiftSettings: swift),
    .target(
      name: "Programs", dependencies: ["Quantities", "Models", "Placement", "Hardware"],
      swiftSettings: swift),

    .target(
      name: "Serving",
      dependencies: [
        "Quantities", "Models", "Placement", "Hardware", "Programs",
        .product(name: "HeapModule", package: "swift-collections"),
      ], swiftSettings: swift),

    // Pictures and pages.
    .target(name: "Plots", swiftSettings: swift),

    // Numbers: weights, kernels, the forward pass.
    .target(name: "Tensors", dependencies: ["CKernels"], swiftSettings: swift),
    .target(
      name: "ModelFiles",
      dependencies: [
        "Models", "Tensors", .product(name: "HeapModule", package: "swift-collections"),
      ], swiftSettings: swift),
    .target(
      name: "Transformer", dependencies: ["CKernels", "Models", "Placement", "Tensors"],
      swiftSettings: swift),

    // Processes: frames, nodes, sockets.
    .target(
      name: "Messaging",
      dependencies: ["Quantities", "Models", "Placement", "Hardware", "Programs"],
      swiftSettings: swift),
    .target(
      name: "Runtime",
      dependencies: [
        "CHost", "CSodium", "Quantities", "Models", "Placement", "Programs", "Tensors",
        "ModelFiles", "Transformer",
        "Messaging", .product(name: "DequeModule", package: "swift-collections"),
      ], swiftSettings: swift),
    .target(
      name: "ZeroMQTransport",
      dependencies: ["ZeroMQ", "Quantities", "Programs", "Tensors", "Messaging", "Runtime"],
      swiftSettings: swift),

    // The coordinator.
    .target(
      name: "Experiments",
      dependencies: [
        "Quantities", "Models", "Placement", "Defects", "Hardware", "Programs", "Serving",
        "Plots", "Tensors", "ModelFiles", "Transformer", "Messaging", "Runtime", "ZeroMQTransport",
        "Yams",
        .product(name: "Histogram", package: "hdrhistogram-swift"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: swift),
    .executableTarget(
      name: "wafer",
      dependencies: [
        "Quantities", "Fabric", "Models", "Placement", "Defects", "Hardware", "Programs",
        "Serving", "Plots", "ModelFiles", "Runtime", "ZeroMQ", "ZeroMQTransport",
        "Experiments",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: swift),
    .executableTarget(
      name: "wafer-node",
      dependencies: [
        "Programs", "Runtime", "ZeroMQ", "ZeroMQTransport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: swift),

    // Benchmarks print ratios and rates; `scripts/bench` runs them, and nothing depends on them.
    .executableTarget(
      name: "kernel-bench", dependencies: ["Tensors"], path: "Benchmarks/kernel-bench",
      swiftSettings: swift),
    .executableTarget(
      name: "make-model", dependencies: ["TestSupport"], path: "Benchmarks/make-model",
      swiftSettings: swift),
    .executableTarget(
      name: "evaluator-bench",
      dependencies: ["Programs", "Hardware", "Models", "Placement", "Quantities"],
      path: "Benchmarks/evaluator", swiftSettings: swift),
    .executableTarget(
      name: "fabric-bench", dependencies: ["Fabric"], path: "Benchmarks/fabric",
      swiftSettings: swift),
    .executableTarget(
      name: "message-bench",
      dependencies: [
        "Quantities", "Programs", "Messaging", "Runtime", "ZeroMQ", "ZeroMQTransport",
      ],
      path: "Benchmarks/messages", swiftSettings: swift),

    // Tests mirror the sources.
    .target(
      name: "TestSupport", dependencies: ["Quantities", "Placement", "Hardware", "Programs"],
      path: "Tests/TestSupport", swiftSettings: swift),

    // Hostile bytes for every reader; `scripts/fuzz` runs them for long.
    .target(
      name: "FuzzTargets",
      dependencies: [
        "ZeroMQ", "Quantities", "Models", "Placement", "Hardware", "Programs", "Serving", "Tensors",
        "ModelFiles", "Transformer", "Messaging", "Runtime", "ZeroMQTransport", "Experiments",
        "TestSupport",
      ], swiftSettings: swift),
    .executableTarget(
      name: "wafer-fuzz",
      dependencies: [
        "Experiments", "FuzzTargets",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: swift,
      // gold, which is the default, fails on the sanitizers' debug information.
      linkerSettings: isFuzzed
        ? [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])] : []),
    .testTarget(
      name: "FuzzTests",
      dependencies: [
        "FuzzTargets", "Experiments", "Messaging", "Models", "Programs", "Quantities", "Runtime",
        "Tensors", "Transformer", "Hardware",
      ],
      exclude: ["Corpus"], swiftSettings: swift),

    .testTarget(name: "ZeroMQTests", dependencies: ["ZeroMQ"], swiftSettings: swift),
    .testTarget(
      name: "QuantitiesTests", dependencies: ["Quantities", "TestSupport"], swiftSettings: swift),
    .testTarget(name: "ModelsTests", dependencies: ["Models"], swiftSettings: swift),
    .testTarget(
      name: "FabricTests", dependencies: ["Fabric", "Quantities", "TestSupport"],
      swiftSettings: swift),
    .testTarget(
      name: "PlacementTests", dependencies: ["Placement", "Models"], swiftSettings: swift),
    .testTarget(
      name: "DefectsTests", dependencies: ["Defects", "Quantities"], swiftSettings: swift),
    .testTarget(
      name: "ServingTests",
      dependencies: [
        "Serving", "Programs", "Hardware", "Models", "Placement", "Quantities", "TestSupport",
      ], swiftSettings: swift),
    .testTarget(name: "PlotsTests", dependencies: ["Plots"], swiftSettings: swift),
    .testTarget(
      name: "HardwareTests",
      dependencies: [
        "Hardware", "Defects", "Models", "Placement", "Quantities", "TestSupport", "Yams",
      ],
      swiftSettings: swift),
    .testTarget(
      name: "ProgramsTests",
      dependencies: ["Programs", "Hardware", "Models", "Placement", "Quantities", "TestSupport"],
      swiftSettings: swift),
    .testTarget(
      name: "TensorsTests", dependencies: ["Tensors", "CKernels", "TestSupport"],
      swiftSettings: swift),
    .testTarget(
      name: "ModelFilesTests", dependencies: ["ModelFiles", "Models", "Tensors", "TestSupport"],
      swiftSettings: swift),
    .testTarget(
      name: "TransformerTests",
      dependencies: ["Transformer", "ModelFiles", "Models", "Placement", "Tensors", "TestSupport"],
      swiftSettings: swift),
    .testTarget(
      name: "MessagingTests",
      dependencies: [
        "Messaging", "Programs", "Hardware", "Models", "Placement", "Quantities", "TestSupport",
      ], swiftSettings: swift),
    .testTarget(
      name: "RuntimeTests",
      dependencies: [
        "Runtime", "Messaging", "Serving", "Programs", "Hardware", "Models", "Placement",
        "Quantities", "Tensors", "Transformer", "TestSupport",
        .product(name: "HeapModule", package: "swift-collections"),
      ], swiftSettings: swift),
    .testTarget(
      name: "ZeroMQTransportTests",
      dependencies: [
        "ZeroMQTransport", "ZeroMQ", "Messaging", "Runtime", "Programs", "Hardware", "Models",
        "Placement", "Quantities", "Tensors", "Transformer", "TestSupport",
      ],
      swiftSettings: swift),
    .testTarget(
      name: "ExperimentsTests",
      dependencies: [
        "Experiments", "wafer", "wafer-node", "Hardware", "Messaging", "Models", "Placement",
        "Plots",
        "Programs", "Serving", "Quantities", "Runtime", "ZeroMQ", "ZeroMQTransport", "TestSupport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: swift),

    // Habits of the repository itself.
    .testTarget(name: "TidyTests", swiftSettings: swift),
  ]
)
