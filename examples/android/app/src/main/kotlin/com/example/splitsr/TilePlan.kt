package com.example.splitsr

/**
 * One tile along one axis, in pixels of the image.
 *
 * @property start first pixel that the model is given.
 * @property coreStart first pixel that is kept.
 * @property coreStop end of what is kept.
 */
data class Span(val start: Int, val coreStart: Int, val coreStop: Int)

/**
 * Cuts an axis into cores that cover it once, each inside a window that the model is given.
 *
 * A core has [halo] pixels of its window on each side, or all there are up to the image's border.
 * With a halo of the model's receptive radius the tiles join without a seam: they are to the pixel
 * what the model gives for the whole image.
 */
fun planAxis(size: Int, window: Int, halo: Int): List<Span> {
    if (size <= window) return listOf(Span(0, 0, size))
    val step = window - 2 * halo
    val count = (size - 2 * halo + step - 1) / step
    val starts = List(count) { it * (size - window) / (count - 1) }
    // Neighbours overlap by two halos at least: a cut in the middle leaves each its own.
    val cuts = listOf(0) + starts.zipWithNext { left, right -> (left + right + window) / 2 } + size
    return starts.mapIndexed { index, start -> Span(start, cuts[index], cuts[index + 1]) }
}

/** Where pixel [index] of a window lies in an image that ends before it: mirrored at the border. */
fun mirror(index: Int, size: Int): Int {
    val position = index % (2 * size)
    return if (position < size) position else 2 * size - 1 - position
}
