// swift-tools-version: 5.9

import AppleProductTypes
import PackageDescription

let package = Package(
    name: "Upscale",
    platforms: [.iOS("16.0")],
    products: [
        .iOSApplication(
            name: "Upscale",
            targets: ["AppModule"],
            bundleIdentifier: "com.example.splitsr",
            displayVersion: "1.0",
            bundleVersion: "1",
            appIcon: .placeholder(icon: .camera),
            accentColor: .presetColor(.blue),
            supportedDeviceFamilies: [.pad, .phone],
            supportedInterfaceOrientations: [
                .portrait,
                .landscapeLeft,
                .landscapeRight,
                .portraitUpsideDown(.when(deviceFamilies: [.pad])),
            ],
            capabilities: [
                .photoLibraryAdd(purposeString: "The larger image is added to your photos.")
            ]
        )
    ],
    targets: [
        .executableTarget(
            name: "AppModule",
            path: ".",
            resources: [.copy("Resources/splitsr-fast-x4.mlpackage")]
        )
    ]
)
