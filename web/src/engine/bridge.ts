/**
 * The page's side of a worker: methods that return promises and can be cancelled.
 *
 * A cancelled call is rejected at once; the worker is told, and drops the work if it has not begun.
 * What it sends nevertheless is closed, not leaked.
 */

import { AppError } from "../errors";
import type { Failure, Methods, Reply, Request } from "./protocol";

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly transfer?: Transferable[];
}

export class Bridge<Api extends Methods> {
  private readonly pending = new Map<number, Pending>();
  private next = 0;

  constructor(private readonly worker: Worker) {
    worker.onmessage = (event: MessageEvent<Reply>) => this.settle(event.data);
    worker.onerror = (event) => this.failAll(new Error(event.message || "the worker failed"));
    worker.onmessageerror = () => this.failAll(new Error("a message could not be read"));
  }

  /** Calls a method of the worker; rejects with an AbortError as soon as `signal` aborts. */
  call<Name extends keyof Api & string>(
    method: Name,
    argument: Parameters<Api[Name]>[0],
    { signal, transfer = [] }: CallOptions = {},
  ): Promise<Awaited<ReturnType<Api[Name]>>> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const id = this.next++;
      const cancel = (): void => {
        this.pending.delete(id);
        this.send({ kind: "cancel", id });
        reject(signal?.reason);
      };
      const done = (): void => signal?.removeEventListener("abort", cancel);
      this.pending.set(id, {
        resolve: (value) => {
          done();
          resolve(value as Awaited<ReturnType<Api[Name]>>);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      });
      signal?.addEventListener("abort", cancel, { once: true });
      this.send({ kind: "call", id, method, argument }, transfer);
    });
  }

  /** Ends the worker, whatever it is at. */
  terminate(): void {
    this.worker.terminate();
    this.failAll(new DOMException("the worker was ended", "AbortError"));
  }

  private send(request: Request, transfer: Transferable[] = []): void {
    this.worker.postMessage(request, transfer);
  }

  private settle(reply: Reply): void {
    const pending = this.pending.get(reply.id);
    this.pending.delete(reply.id);
    if (!pending) {
      if (reply.kind === "value") closeBitmaps(reply.value);
    } else if (reply.kind === "value") pending.resolve(reply.value);
    else pending.reject(reviveError(reply));
  }

  private failAll(error: unknown): void {
    const waiting = [...this.pending.values()];
    this.pending.clear();
    for (const { reject } of waiting) reject(error);
  }
}

function reviveError({ error }: Failure): unknown {
  if (error.key) return new AppError(error.key, error.params);
  if (error.name === "AbortError") return new DOMException(error.message, "AbortError");
  return new Error(error.message);
}

function closeBitmaps(value: unknown): void {
  if (value instanceof ImageBitmap) value.close();
  else if (value && typeof value === "object") Object.values(value).forEach(closeIfBitmap);
}

function closeIfBitmap(value: unknown): void {
  if (value instanceof ImageBitmap) value.close();
}
