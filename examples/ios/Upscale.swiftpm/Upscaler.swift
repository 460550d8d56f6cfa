import CoreML
import Foundation

/// Upscales images 4x in tiles, on what Core ML finds best: Neural Engine, GPU or CPU.
actor Upscaler {
    static let model = "splitsr-fast-x4"
    static let scale = 4
    /// Side of the square that the model takes: `--input` of its export.
    static let window = 256
    /// The model's receptive radius, which `splitsr info splitsr-fast-x4` prints.
    static let halo = 10

    private let network: MLModel

    init() async throws {
        let name = Self.model
        let found = Bundle.main.url(forResource: name, withExtension: "mlpackage")
            ?? Bundle.module.url(forResource: name, withExtension: "mlpackage")
        guard let package = found else {
            throw SampleError("no \(name).mlpackage in the app: export it first")
        }
        network = try await MLModel.load(contentsOf: MLModel.compileModel(at: package))
    }

    /// Upscales an image; `onTile` is told before each tile how many are done, of how many.
    func upscale(
        _ image: Pixels, onTile: @Sendable (Int, Int) -> Void
    ) throws -> Pixels {
        let rows = planAxis(size: image.height, window: Self.window, halo: Self.halo)
        let columns = planAxis(size: image.width, window: Self.window, halo: Self.halo)
        let tiles = rows.flatMap { row in columns.map { column in (row, column) } }
        var larger = Pixels(width: Self.scale * image.width, height: Self.scale * image.height)
        for (done, (row, column)) in tiles.enumerated() {
            try Task.checkCancellation()
            onTile(done, tiles.count)
            let sr = try run(readWindow(of: image, row: row, column: column))
            write(sr, to: &larger, row: row, column: column)
        }
        return larger
    }

    /// Planes of RGB from 0 to 1, (3, window, window), to planes 4 times as high and wide.
    private func run(_ planes: [Float]) throws -> [Float] {
        let lr = MLShapedArray(scalars: planes, shape: [1, 3, Self.window, Self.window])
        let inputs = try MLDictionaryFeatureProvider(
            dictionary: ["lr": MLFeatureValue(multiArray: MLMultiArray(lr))])
        let outputs = try network.prediction(from: inputs)
        guard let sr = outputs.featureValue(for: "sr")?.multiArrayValue else {
            throw SampleError("the model gave no sr: export it again")
        }
        return MLShapedArray<Float>(sr).scalars
    }

    /// What the model is given; a window larger than the image is filled by mirroring.
    private func readWindow(of image: Pixels, row: TileSpan, column: TileSpan) -> [Float] {
        let side = Self.window
        var planes = [Float](repeating: 0, count: 3 * side * side)
        for y in 0..<side {
            let line = (row.start + mirror(y, size: min(side, image.height))) * image.width
            for x in 0..<side {
                let pixel = 4 * (line + column.start + mirror(x, size: min(side, image.width)))
                for channel in 0..<3 {
                    planes[(channel * side + y) * side + x] =
                        Float(image.bytes[pixel + channel]) / 255
                }
            }
        }
        return planes
    }

    /// Copies what is kept of a tile: clamped, in 8 bits.
    private func write(_ sr: [Float], to larger: inout Pixels, row: TileSpan, column: TileSpan) {
        let side = Self.scale * Self.window
        for y in (Self.scale * row.core.lowerBound)..<(Self.scale * row.core.upperBound) {
            let line = y - Self.scale * row.start
            for x in (Self.scale * column.core.lowerBound)..<(Self.scale * column.core.upperBound) {
                let place = line * side + x - Self.scale * column.start
                for channel in 0..<3 {
                    let value = 255 * sr[channel * side * side + place]
                    larger.bytes[4 * (y * larger.width + x) + channel] =
                        UInt8(min(255, max(0, value.rounded())))
                }
            }
        }
    }
}
