/// One tile along one axis, in pixels of the image.
struct TileSpan: Equatable {
    /// First pixel that the model is given.
    let start: Int
    /// What is kept.
    let core: Range<Int>
}

/// Cuts an axis into cores that cover it once, each inside a window that the model is given.
///
/// A core has `halo` pixels of its window on each side, or all there are up to the image's border.
/// With a halo of the model's receptive radius the tiles join without a seam: they are to the pixel
/// what the model gives for the whole image.
func planAxis(size: Int, window: Int, halo: Int) -> [TileSpan] {
    if size <= window { return [TileSpan(start: 0, core: 0..<size)] }
    let step = window - 2 * halo
    let count = (size - 2 * halo + step - 1) / step
    let starts = (0..<count).map { $0 * (size - window) / (count - 1) }
    // Neighbours overlap by two halos at least: a cut in the middle leaves each its own.
    let cuts = [0] + zip(starts, starts.dropFirst()).map { ($0 + $1 + window) / 2 } + [size]
    return starts.indices.map { TileSpan(start: starts[$0], core: cuts[$0]..<cuts[$0 + 1]) }
}

/// Where pixel `index` of a window lies in an image that ends before it: mirrored at the border.
func mirror(_ index: Int, size: Int) -> Int {
    let position = index % (2 * size)
    return position < size ? position : 2 * size - 1 - position
}
