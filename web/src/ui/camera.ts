/** Takes a photo by the device's camera. */

import type { App } from "../app/app";
import { byId, onClick } from "../dom";
import { AppError, describeError } from "../errors";
import { Sheet } from "./dialogs";
import { showError } from "./toast";

/** As many pixels as the camera has, within reason; the one that looks away from the user. */
const WISH: MediaStreamConstraints = {
  audio: false,
  video: { facingMode: "environment", width: { ideal: 4096 }, height: { ideal: 3072 } },
};

export function attachCamera(app: App): void {
  const sheet = new Sheet("camera");
  const video = byId("camera-video", HTMLVideoElement);
  sheet.dialog.addEventListener("close", () => stop(video));
  onClick("open-camera", () => {
    // Pages that were not loaded securely have no camera; phones then offer their own app.
    if (!navigator.mediaDevices) byId("camera-input", HTMLInputElement).click();
    else start(sheet, video).catch(showError);
  });
  onClick("camera-shutter", () => {
    shoot(video)
      .then((shot) => shot && app.open(shot, "camera.png"))
      .catch(showError)
      .finally(() => sheet.close());
  });
}

async function start(sheet: Sheet, video: HTMLVideoElement): Promise<void> {
  sheet.open();
  try {
    const stream = await navigator.mediaDevices.getUserMedia(WISH);
    video.srcObject = stream;
    if (!sheet.isOpen) stop(video); // closed while the browser asked
  } catch (error) {
    sheet.close();
    throw cameraError(error);
  }
}

function stop(video: HTMLVideoElement): void {
  if (video.srcObject instanceof MediaStream) {
    for (const track of video.srcObject.getTracks()) track.stop();
  }
  video.srcObject = null;
}

/** The picture that the camera shows now, as a PNG; null if it shows none yet. */
async function shoot(video: HTMLVideoElement): Promise<Blob | null> {
  const { videoWidth, videoHeight } = video;
  if (!videoWidth || !videoHeight) return null;
  const canvas = new OffscreenCanvas(videoWidth, videoHeight);
  canvas.getContext("2d", { alpha: false })?.drawImage(video, 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}

function cameraError(error: unknown): AppError {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError") return new AppError("cameraDenied");
  if (name === "NotFoundError" || name === "OverconstrainedError")
    return new AppError("cameraNone");
  return new AppError("cameraFailed", { reason: describeError(error) });
}
