/** The worker's side of a bridge: calls one after another, each unless it was cancelled. */

import { AppError } from "../errors";
import type { Methods, PlainError, Reply, Request } from "./protocol";

interface Waiting {
  readonly request: Extract<Request, { kind: "call" }>;
  readonly controller: AbortController;
}

/** What takes a worker's messages; its `postMessage` differs from a window's. */
interface Scope {
  onmessage: ((event: MessageEvent<Request>) => void) | null;
  postMessage(message: Reply, transfer: Transferable[]): void;
}

/** Answers the calls that the page makes. */
export function serve(methods: Methods): void {
  const scope = self as unknown as Scope;
  const queue: Waiting[] = [];
  let current: Waiting | undefined;
  let busy = false;

  const work = async (): Promise<void> => {
    busy = true;
    for (;;) {
      await nextMessages();
      current = queue.shift();
      if (!current) break;
      await answer(scope, methods, current);
    }
    busy = false;
  };

  scope.onmessage = ({ data }) => {
    if (data.kind === "cancel") {
      const index = queue.findIndex(({ request }) => request.id === data.id);
      if (index >= 0) queue.splice(index, 1);
      else if (current?.request.id === data.id) current.controller.abort();
      return;
    }
    queue.push({ request: data, controller: new AbortController() });
    if (!busy) void work();
  };
}

async function answer(
  scope: Scope,
  methods: Methods,
  { request, controller }: Waiting,
): Promise<void> {
  const { id } = request;
  try {
    const method = methods[request.method];
    if (!method) throw new Error(`no method ${request.method}`);
    const value: unknown = await method(request.argument, controller.signal);
    scope.postMessage({ kind: "value", id, value }, transferables(value));
  } catch (error) {
    scope.postMessage({ kind: "error", id, error: plainError(error) }, []);
  }
}

function plainError(error: unknown): PlainError {
  if (error instanceof AppError) {
    return { name: error.name, message: error.message, key: error.key, params: error.params };
  }
  if (error instanceof Error) return { name: error.name, message: error.message };
  return { name: "Error", message: String(error) };
}

/** Pixels are handed over, not copied. */
function transferables(value: unknown): Transferable[] {
  const parts = value && typeof value === "object" ? [value, ...Object.values(value)] : [value];
  return parts.flatMap((part) => {
    if (part instanceof ImageBitmap || part instanceof ArrayBuffer) return [part];
    return ArrayBuffer.isView(part) ? [part.buffer as ArrayBuffer] : [];
  });
}

/** Lets messages in that arrived while the last call was computed, cancels among them. */
function nextMessages(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
