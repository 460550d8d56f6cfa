/** How long the last of each took, in milliseconds, for the page's tests and the curious. */
export interface Timings {
  /** From the page's start until the network is ready. */
  engineReadyMs?: number;
  /** From the choice of a file until the photo is drawn. */
  openToFirstBilinearMs?: number;
  /** From the choice of a file until a sharpened view is drawn. */
  openToSharpMs?: number;
  /** From a view that rests until it is sharpened. */
  restToSharpMs?: number;
  /** Of the whole photo. */
  upscaleMs?: number;
}

export const timings: Timings = {};
