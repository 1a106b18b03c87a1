// swift-tools-version: 6.2
import PackageDescription

/// Strict everywhere: what the compiler can check, no reviewer has to.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
]

/// `Lifetimes` lets a buffer hand out a span of its own bytes; only the modules that own bytes have it.
let ownsBytes = strict + [.enableExperimentalFeature("Lifetimes")]

let argumentParser: Target.Dependency = .product(
    name: "ArgumentParser", package: "swift-argument-parser")

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")

let targets: [Target] = [
    // Level 0
    .target(
        name: "CDaybook",
        linkerSettings: [.linkedLibrary("simdjson"), .linkedLibrary("crypto")]),
    .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
    .target(name: "Money", swiftSettings: strict),
    // Level 1
    .target(name: "Bytes", dependencies: ["CDaybook", "CLZ4"], swiftSettings: ownsBytes),
    .target(name: "Platform", dependencies: ["CDaybook"], swiftSettings: ownsBytes),
    .target(name: "Billing", dependencies: ["Money"], swiftSettings: strict),
    // Level 2
    .target(name: "Columns", dependencies: ["Bytes"], swiftSettings: ownsBytes),
    .target(name: "Identities", dependencies: ["Bytes", "Platform"], swiftSettings: strict),
    // Level 3
    .target(
        name: "SegmentedLog", dependencies: ["Columns", "Bytes", "Platform"],
        swiftSettings: ownsBytes),
    .target(
        name: "Codec", dependencies: ["Columns", "Bytes", "Billing", "Money"],
        swiftSettings: ownsBytes),
    // Level 4
    .target(
        name: "Projections",
        dependencies: ["SegmentedLog", "Codec", "Billing", "Money", "Bytes"],
        swiftSettings: strict),
    .target(
        name: "Client", dependencies: ["Codec", "Platform", "Bytes", "Billing"],
        swiftSettings: strict),
    // Level 5
    .target(
        name: "Engine",
        dependencies: [
            "Projections", "Identities", "SegmentedLog", "Codec", "Columns", "Platform", "Bytes",
            "Billing", "Money",
        ],
        swiftSettings: strict),
    // Level 6
    .target(
        name: "SocketServer",
        dependencies: [
            "Engine", "Projections", "Codec", "Platform", "Bytes", "SegmentedLog", "Billing",
        ],
        swiftSettings: strict),
    .target(
        name: "DaybookEngine", dependencies: ["Engine", "Codec", "Billing", "Money"],
        swiftSettings: strict),
    .target(
        name: "Proofs",
        dependencies: [
            "Engine", "Projections", "SegmentedLog", "Codec", "Platform", "Bytes", "Billing",
            "Money", crypto,
        ],
        swiftSettings: strict),
    // Level 7
    .executableTarget(
        name: "daybook",
        dependencies: [
            "SocketServer", "Proofs", "Engine", "Client", "Codec", "Billing", "Money", "Platform",
            "Bytes", "Identities", "SegmentedLog", argumentParser,
            .product(name: "Yams", package: "Yams"),
        ],
        swiftSettings: strict),
    .executableTarget(
        name: "daybook-bench",
        dependencies: [
            "SocketServer", "Engine", "Projections", "Identities", "Codec", "Platform", "Bytes",
            "SegmentedLog", argumentParser,
        ],
        path: "Sources/daybook-bench",
        swiftSettings: strict),
    // Tests
    .target(
        name: "SimulatedFileSystem", dependencies: ["Platform"],
        path: "Tests/SimulatedFileSystem", swiftSettings: ownsBytes),
    .target(name: "Seeds", path: "Tests/Seeds", swiftSettings: strict),
    .testTarget(name: "MoneyTests", dependencies: ["Money", "Seeds"], swiftSettings: strict),
    .testTarget(
        name: "BillingTests", dependencies: ["Billing", "Money", "Seeds"], swiftSettings: strict),
    .testTarget(name: "BytesTests", dependencies: ["Bytes", "Seeds"], swiftSettings: strict),
    .testTarget(
        name: "ColumnsTests", dependencies: ["Columns", "Bytes", "Seeds"], swiftSettings: strict),
    .testTarget(
        name: "CodecTests",
        dependencies: ["Seeds", "Codec", "Columns", "Bytes", "Billing", "Money"],
        swiftSettings: strict),
    .testTarget(
        name: "IdentitiesTests",
        dependencies: ["Identities", "SimulatedFileSystem", "Seeds", "Platform", "Bytes"],
        swiftSettings: strict),
    .testTarget(
        name: "SegmentedLogTests",
        dependencies: [
            "SegmentedLog", "SimulatedFileSystem", "Columns", "Platform", "Bytes", "Seeds",
        ],
        swiftSettings: strict),
    .testTarget(
        name: "ProjectionsTests",
        dependencies: ["Projections", "Codec", "Billing", "Money", "Bytes", "Seeds"],
        swiftSettings: strict),
    .testTarget(
        name: "EngineTests",
        dependencies: [
            "Engine", "Projections", "SegmentedLog", "SimulatedFileSystem", "Codec", "Platform",
            "Bytes", "Billing", "Money", "Seeds",
        ],
        swiftSettings: strict),
    .testTarget(
        name: "ProofsTests",
        dependencies: [
            "Proofs", "Engine", "SegmentedLog", "SimulatedFileSystem", "Codec", "Platform",
            "Bytes", "Billing", "Money", "Seeds",
        ],
        swiftSettings: strict),
    .testTarget(
        name: "SocketServerTests",
        dependencies: [
            "SocketServer", "Engine", "SimulatedFileSystem", "Client", "Codec", "Platform", "Bytes",
        ],
        swiftSettings: strict),
    .testTarget(
        name: "CommandTests",
        dependencies: ["daybook", "daybook-bench", "Client", "Platform", "Billing", "Money"],
        swiftSettings: strict),
    .testTarget(
        name: "DaybookEngineTests", dependencies: ["DaybookEngine"], swiftSettings: strict),
    .testTarget(name: "TidyTests", swiftSettings: strict),
]

let package = Package(
    name: "daybook",
    products: [
        .executable(name: "daybook", targets: ["daybook"]),
        .executable(name: "daybook-bench", targets: ["daybook-bench"]),
        .library(name: "DaybookEngine", targets: ["DaybookEngine"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    ],
    targets: targets,
    cxxLanguageStandard: .cxx17
)
