import type { Params } from "../errors";
import type { MessageKey } from "../i18n/messages";

/** What a worker offers: methods with one argument. The signal aborts when the call is cancelled. */
// biome-ignore lint/suspicious/noExplicitAny: the types of each method are its own
export type Methods = Record<string, (argument: any, signal: AbortSignal) => Promise<any>>;

export type Request =
  | {
      readonly kind: "call";
      readonly id: number;
      readonly method: string;
      readonly argument: unknown;
    }
  | { readonly kind: "cancel"; readonly id: number };

/** An error that can be cloned. With a key it is one that the user is shown. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly key?: MessageKey;
  readonly params?: Params;
}

export interface Success {
  readonly kind: "value";
  readonly id: number;
  readonly value: unknown;
}

export interface Failure {
  readonly kind: "error";
  readonly id: number;
  readonly error: PlainError;
}

export type Reply = Success | Failure;
