import Photos
import PhotosUI
import SwiftUI

/// Longest side of an image that is read whole: 16 times its pixels are kept in memory.
private let maxSide = 1600

@main
struct UpscaleApp: App {
    var body: some Scene {
        WindowGroup { ContentView() }
    }
}

/// Picks an image, upscales it 4x and adds the result to Photos as a new one.
struct ContentView: View {
    @State private var item: PhotosPickerItem?
    @State private var status = ""
    @State private var preview: CGImage?

    var body: some View {
        VStack(spacing: 16) {
            PhotosPicker("Pick an image", selection: $item, matching: .images)
            Text(status)
            if let preview {
                Image(preview, scale: 1, label: Text("The larger image"))
                    .resizable()
                    .scaledToFit()
            }
        }
        .padding()
        .task(id: item) {
            if let item { await upscale(item) }
        }
    }

    @MainActor
    private func upscale(_ item: PhotosPickerItem) async {
        status = "Reading"
        preview = nil
        do {
            guard let file = try await item.loadTransferable(type: Data.self) else {
                throw SampleError("the image could not be read")
            }
            let jpeg = try await upscaled(file) { done, all in
                Task { @MainActor in status = "Tile \(done + 1) of \(all)" }
            }
            try await PHPhotoLibrary.shared().performChanges {
                PHAssetCreationRequest.forAsset().addResource(with: .photo, data: jpeg, options: nil)
            }
            status = "Saved in Photos. Sides longer than \(maxSide) pixels are made smaller first."
            preview = try? readImage(jpeg, maxSide: 1024)
        } catch is CancellationError {
            status = ""
        } catch {
            status = "Nothing was saved: \(error.localizedDescription)"
        }
    }
}

/// The upscaled image in a JPEG; not on the main actor, which draws meanwhile.
private func upscaled(
    _ file: Data, onTile: @Sendable (Int, Int) -> Void
) async throws -> Data {
    let image = try Pixels(readImage(file, maxSide: maxSide))
    return try await Upscaler().upscale(image, onTile: onTile).jpeg(quality: 0.95)
}
