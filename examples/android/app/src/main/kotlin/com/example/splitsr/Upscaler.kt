package com.example.splitsr

import android.content.Context
import android.graphics.Bitmap
import android.util.Log
import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.BuiltinNpuAcceleratorProvider
import com.google.ai.edge.litert.CompiledModel
import com.google.ai.edge.litert.Environment
import com.google.ai.edge.litert.LiteRtException
import java.io.File
import kotlin.math.min

private const val MODEL = "splitsr-fast-x4.tflite"
private const val SCALE = 4

/** Side of the square that the model takes: `--input` of its export. */
private const val WINDOW = 256

/** The model's receptive radius, which `splitsr info splitsr-fast-x4` prints. */
private const val HALO = 10

/** Upscales images 4x in tiles, on the NPU, the GPU or the CPU. To be used by one thread. */
class Upscaler(private val context: Context) : AutoCloseable {
    private val npu = BuiltinNpuAcceleratorProvider(context)
    private val environment = Environment.create(npu)

    /** What the model runs on. */
    val accelerator: Accelerator
    private val model: CompiledModel

    init {
        check(MODEL in context.assets.list("").orEmpty()) { "no $MODEL in the app: export it first" }
        val (found, compiled) = compile()
        accelerator = found
        model = compiled
    }

    private val inputs = model.createInputBuffers()
    private val outputs = model.createOutputBuffers()
    private val pixels = IntArray(WINDOW * WINDOW)
    private val lr = FloatArray(3 * WINDOW * WINDOW)

    /**
     * Upscales an image.
     *
     * @param image in sRGB; transparency is not kept.
     * @param onTile is told before each tile how many are done, of how many.
     * @return an opaque image, 4 times as high and wide.
     */
    fun upscale(image: Bitmap, onTile: (Int, Int) -> Unit = { _, _ -> }): Bitmap {
        val rows = planAxis(image.height, WINDOW, HALO)
        val columns = planAxis(image.width, WINDOW, HALO)
        val tiles = rows.flatMap { row -> columns.map { column -> row to column } }
        val larger = Bitmap.createBitmap(
            SCALE * image.width, SCALE * image.height, Bitmap.Config.ARGB_8888)
        tiles.forEachIndexed { done, (row, column) ->
            onTile(done, tiles.size)
            readWindow(image, row, column)
            inputs[0].writeFloat(lr)
            model.run(inputs, outputs)
            writeCore(outputs[0].readFloat(), larger, row, column)
        }
        return larger
    }

    override fun close() {
        (inputs + outputs + model + environment).forEach { it.close() }
    }

    /** Accelerators are asked for one by one: in a set with the CPU a missing one goes unnoticed. */
    private fun compile(): Pair<Accelerator, CompiledModel> {
        val wanted = listOf(Accelerator.NPU, Accelerator.GPU).filter { it != Accelerator.NPU || hasNpu() }
        for (accelerator in wanted) {
            try {
                return accelerator to compileFor(accelerator)
            } catch (failure: LiteRtException) {
                Log.w("splitsr", "$MODEL does not run on the $accelerator", failure)
            }
        }
        return Accelerator.CPU to compileFor(Accelerator.CPU)
    }

    private fun compileFor(accelerator: Accelerator): CompiledModel =
        CompiledModel.create(context.assets, MODEL, CompiledModel.Options(accelerator), environment)

    /** Without its maker's libraries in the app, a model for the NPU would run on the CPU. */
    private fun hasNpu(): Boolean =
        npu.isDeviceSupported() &&
            File(npu.getLibraryDir()).list().orEmpty().any { it.startsWith("libLiteRtCompilerPlugin") }

    /** Fills [lr] with RGB from 0 to 1; a window larger than the image is filled by mirroring. */
    private fun readWindow(image: Bitmap, row: Span, column: Span) {
        val height = min(WINDOW, image.height)
        val width = min(WINDOW, image.width)
        image.getPixels(pixels, 0, width, column.start, row.start, width, height)
        var index = 0
        for (y in 0 until WINDOW) {
            for (x in 0 until WINDOW) {
                val pixel = pixels[mirror(y, height) * width + mirror(x, width)]
                lr[index++] = (pixel shr 16 and 255) / 255f
                lr[index++] = (pixel shr 8 and 255) / 255f
                lr[index++] = (pixel and 255) / 255f
            }
        }
    }

    /** Copies what is kept of a tile: clamped, in 8 bits. */
    private fun writeCore(sr: FloatArray, larger: Bitmap, row: Span, column: Span) {
        val height = SCALE * (row.coreStop - row.coreStart)
        val width = SCALE * (column.coreStop - column.coreStart)
        val top = SCALE * (row.coreStart - row.start)
        val left = SCALE * (column.coreStart - column.start)
        val core = IntArray(height * width) { position ->
            val y = top + position / width
            val x = left + position % width
            val index = 3 * (y * SCALE * WINDOW + x)
            (255 shl 24) or (level(sr[index]) shl 16) or (level(sr[index + 1]) shl 8) or level(sr[index + 2])
        }
        larger.setPixels(
            core, 0, width, SCALE * column.coreStart, SCALE * row.coreStart, width, height)
    }

    private fun level(value: Float): Int = (255 * value + 0.5f).toInt().coerceIn(0, 255)
}
