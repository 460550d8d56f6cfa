"""What a file says of its image beside the pixels: EXIF, colour profiles, XMP, IPTC, texts."""
