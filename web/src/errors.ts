import type { MessageKey } from "./i18n/messages";

/** What a message fills in: sizes, names, reasons. */
export type Params = Readonly<Record<string, string | number>>;

/** An error that the user is shown: a key of the messages and what fills them. */
export class AppError extends Error {
  override readonly name = "AppError";

  constructor(
    readonly key: MessageKey,
    readonly params: Params = {},
  ) {
    super(`${key} ${JSON.stringify(params)}`);
  }
}

/** Whether work ended because somebody cancelled it, which is no fault. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** An error in one line, for the details of a message. */
export function describeError(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n", 1)[0]?.slice(0, 160) ?? "";
}
