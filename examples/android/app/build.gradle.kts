plugins {
    alias(libs.plugins.android.application)
}

android {
    namespace = "com.example.splitsr"
    compileSdk = 36

    defaultConfig {
        applicationId = "com.example.splitsr"
        minSdk = 29
        targetSdk = 36
        versionCode = 1
        versionName = "1.0"
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }

    androidResources {
        noCompress += "tflite"
    }
}

dependencies {
    implementation(libs.activity)
    implementation(libs.lifecycle.runtime)
    implementation(libs.litert)
    implementation(libs.litert.gpu)
}
