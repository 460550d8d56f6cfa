"""Measuring: the only PSNR and SSIM, benchmarks, cost."""
