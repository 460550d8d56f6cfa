import CoreGraphics
import Foundation
import ImageIO
import UniformTypeIdentifiers

/// An image in sRGB, 4 bytes a pixel, of which the last is not used.
struct Pixels {
    let width: Int
    let height: Int
    var bytes: [UInt8]

    init(width: Int, height: Int) {
        self.width = width
        self.height = height
        bytes = [UInt8](repeating: 255, count: 4 * width * height)
    }

    /// An image as it is to be seen: upright, whatever its colour space was.
    init(_ image: CGImage) throws {
        self.init(width: image.width, height: image.height)
        let size = CGRect(x: 0, y: 0, width: width, height: height)
        let drawn = bytes.withUnsafeMutableBytes { buffer in
            let context = CGContext(
                data: buffer.baseAddress, width: image.width, height: image.height,
                bitsPerComponent: 8, bytesPerRow: 4 * image.width, space: Self.space,
                bitmapInfo: CGImageAlphaInfo.noneSkipLast.rawValue)
            context?.draw(image, in: size)
            return context != nil
        }
        guard drawn else { throw SampleError("the image does not fit into memory") }
    }

    /// The image in a JPEG.
    func jpeg(quality: Double) throws -> Data {
        let file = NSMutableData()
        guard
            let provider = CGDataProvider(data: Data(bytes) as CFData),
            let image = CGImage(
                width: width, height: height, bitsPerComponent: 8, bitsPerPixel: 32,
                bytesPerRow: 4 * width, space: Self.space,
                bitmapInfo: CGBitmapInfo(rawValue: CGImageAlphaInfo.noneSkipLast.rawValue),
                provider: provider, decode: nil, shouldInterpolate: false, intent: .defaultIntent),
            let destination = CGImageDestinationCreateWithData(
                file, UTType.jpeg.identifier as CFString, 1, nil)
        else { throw SampleError("the larger image does not fit into memory") }
        let options = [kCGImageDestinationLossyCompressionQuality: quality] as CFDictionary
        CGImageDestinationAddImage(destination, image, options)
        guard CGImageDestinationFinalize(destination) else {
            throw SampleError("the larger image could not be written")
        }
        return file as Data
    }

    private static let space = CGColorSpace(name: CGColorSpace.sRGB)!
}

/// Reads an image upright, made smaller if a side is longer than `maxSide`.
func readImage(_ file: Data, maxSide: Int) throws -> CGImage {
    let options = [
        kCGImageSourceCreateThumbnailFromImageAlways: true,
        kCGImageSourceCreateThumbnailWithTransform: true,
        kCGImageSourceThumbnailMaxPixelSize: maxSide,
    ] as [CFString: Any] as CFDictionary
    guard
        let source = CGImageSourceCreateWithData(file as CFData, nil),
        let image = CGImageSourceCreateThumbnailAtIndex(source, 0, options)
    else { throw SampleError("this is no image that can be read") }
    return image
}

/// What went wrong, for the person who picked the image.
struct SampleError: LocalizedError {
    let errorDescription: String?

    init(_ description: String) {
        errorDescription = description
    }
}
