// The Android plugin brings Kotlin 2.2, which cannot read libraries that Kotlin 2.4 built.
buildscript {
    repositories {
        google()
        mavenCentral()
    }
    dependencies {
        classpath(libs.kotlin.gradle.plugin)
    }
}

plugins {
    alias(libs.plugins.android.application) apply false
}
