/** Hands a result to the clipboard, or to another app, where the browser can. */

import type { App } from "../app/app";
import type { Result } from "../app/job";
import { block, onClick } from "../dom";
import { AppError, describeError, isAbort } from "../errors";
import type { MessageKey } from "../i18n/messages";
import { openContext } from "../imaging/canvas";
import { fits } from "../imaging/output";
import { showError, showInfo } from "./toast";

const PNG = "image/png";

/** Attaches the buttons; `offer` shows those that a result can go by. */
export function attachHandover(app: App): { offer(result: Result | null): void } {
  let offered: Result | null = null;
  const hand = (give: (result: Result) => Promise<void>, failed: MessageKey): void => {
    if (offered) give(offered).catch((error: unknown) => complain(error, failed));
  };
  onClick("copy", () => hand(copy, "copyFailed"));
  onClick("share", () => hand((result) => share(result, app), "shareFailed"));
  return {
    offer(result) {
      offered = result;
      block("copy").hidden = !result || !canCopy(result);
      block("share").hidden = !result || !navigator.canShare?.({ files: [fileOf(result)] });
    },
  };
}

/** Clipboards take PNG alone, and hold the pixels. */
function canCopy({ size }: Result): boolean {
  return "ClipboardItem" in window && fits("jpeg", size.width, size.height);
}

async function copy({ blob }: Result): Promise<void> {
  // A promise: Safari would take no later press of this button for one.
  await navigator.clipboard.write([new ClipboardItem({ [PNG]: toPng(blob) })]);
  showInfo("copied");
}

async function toPng(blob: Blob): Promise<Blob> {
  if (blob.type === PNG) return blob;
  const bitmap = await createImageBitmap(blob);
  const context = openContext(bitmap, { alpha: false });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.canvas.convertToBlob({ type: PNG });
}

async function share(result: Result, { job }: App): Promise<void> {
  await navigator.share({ files: [fileOf(result)] });
  if (job.result === result) job.downloaded();
}

function fileOf({ blob, name }: Result): File {
  return new File([blob], name, { type: blob.type });
}

function complain(error: unknown, key: MessageKey): void {
  if (!isAbort(error)) showError(new AppError(key, { reason: describeError(error) }));
}
