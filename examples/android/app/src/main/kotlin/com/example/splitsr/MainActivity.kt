package com.example.splitsr

import android.content.ContentValues
import android.graphics.Bitmap
import android.graphics.ColorSpace
import android.graphics.ImageDecoder
import android.net.Uri
import android.os.Bundle
import android.os.Environment
import android.provider.MediaStore
import android.util.Size
import android.widget.Button
import android.widget.ImageView
import android.widget.LinearLayout
import android.widget.TextView
import androidx.activity.ComponentActivity
import androidx.activity.result.PickVisualMediaRequest
import androidx.activity.result.contract.ActivityResultContracts.PickVisualMedia
import androidx.lifecycle.lifecycleScope
import java.io.IOException
import kotlin.math.ceil
import kotlin.math.sqrt
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext

/** Pixels of the largest image that is read whole: 16 times as many, at 4 bytes, are kept in memory. */
private const val MAX_PIXELS = 3_000_000.0

/** Picks an image, upscales it 4x and saves the result as a new one. */
class MainActivity : ComponentActivity() {
    private lateinit var pick: Button
    private lateinit var status: TextView
    private lateinit var preview: ImageView

    private val picker = registerForActivityResult(PickVisualMedia()) { image ->
        if (image != null) start(image)
    }

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        pick = Button(this)
        pick.setText(R.string.pick)
        pick.setOnClickListener { picker.launch(PickVisualMediaRequest(PickVisualMedia.ImageOnly)) }
        status = TextView(this)
        preview = ImageView(this)
        val layout = LinearLayout(this)
        layout.orientation = LinearLayout.VERTICAL
        layout.fitsSystemWindows = true
        listOf(pick, status, preview).forEach { layout.addView(it) }
        setContentView(layout)
    }

    private fun start(image: Uri) {
        pick.isEnabled = false
        preview.setImageBitmap(null)
        lifecycleScope.launch {
            try {
                withContext(Dispatchers.Default) { upscale(image) }
            } catch (failure: CancellationException) {
                throw failure
            } catch (failure: Exception) {
                status.text = getString(R.string.failed, failure.message)
            }
            pick.isEnabled = true
        }
    }

    private fun CoroutineScope.upscale(image: Uri) {
        val (original, reduction) = read(image)
        Upscaler(this@MainActivity).use { upscaler ->
            val larger = upscaler.upscale(original) { done, all ->
                ensureActive()
                show(getString(R.string.progress, done + 1, all, upscaler.accelerator))
            }
            val saved = save(larger)
            val lines = mutableListOf(
                getString(R.string.saved, larger.width, larger.height, upscaler.accelerator))
            if (reduction > 1) lines += getString(R.string.reduced, reduction)
            show(lines.joinToString("\n"), contentResolver.loadThumbnail(saved, Size(1024, 1024), null))
        }
    }

    private fun show(text: String, image: Bitmap? = null) = runOnUiThread {
        status.text = text
        preview.setImageBitmap(image)
    }

    /** The image upright and in sRGB, and by what it was divided to fit into memory. */
    private fun read(image: Uri): Pair<Bitmap, Int> {
        var reduction = 1
        val source = ImageDecoder.createSource(contentResolver, image)
        val bitmap = ImageDecoder.decodeBitmap(source) { decoder, info, _ ->
            val pixels = info.size.width.toDouble() * info.size.height
            reduction = ceil(sqrt(pixels / MAX_PIXELS)).toInt()
            decoder.allocator = ImageDecoder.ALLOCATOR_SOFTWARE
            decoder.setTargetColorSpace(ColorSpace.get(ColorSpace.Named.SRGB))
            decoder.setTargetSampleSize(reduction)
        }
        return bitmap to reduction
    }

    /** Adds an image to Pictures: whole, or not at all. */
    private fun save(image: Bitmap): Uri {
        val values = ContentValues()
        values.put(MediaStore.MediaColumns.DISPLAY_NAME, "splitsr-${System.currentTimeMillis()}.jpg")
        values.put(MediaStore.MediaColumns.MIME_TYPE, "image/jpeg")
        values.put(MediaStore.MediaColumns.RELATIVE_PATH, "${Environment.DIRECTORY_PICTURES}/splitsr")
        values.put(MediaStore.MediaColumns.IS_PENDING, 1)
        val entry = contentResolver.insert(MediaStore.Images.Media.EXTERNAL_CONTENT_URI, values)
            ?: throw IOException("no place for it in Pictures")
        try {
            val written = contentResolver.openOutputStream(entry)?.use {
                image.compress(Bitmap.CompressFormat.JPEG, 95, it)
            }
            if (written != true) throw IOException("it could not be written")
            values.clear()
            values.put(MediaStore.MediaColumns.IS_PENDING, 0)
            contentResolver.update(entry, values, null, null)
        } catch (failure: Exception) {
            contentResolver.delete(entry, null, null)
            throw failure
        }
        return entry
    }
}
