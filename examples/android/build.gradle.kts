// The Kotlin that comes with the Android plugin is older than the one LiteRT was built with.
buildscript {
    dependencies {
        classpath(libs.kotlin.gradle.plugin)
    }
}

plugins {
    alias(libs.plugins.android.application) apply false
}
