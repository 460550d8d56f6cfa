/**
 * What lies over the start page: the photo, the study, the sheets. Each is an entry of the history,
 * so that Back closes it and leaves the app only from the start page.
 */

export interface Layer {
  readonly name: string;
  /** A fragment of the address, for what can be linked to. */
  readonly hash?: string;
  /** Called when Back has closed it. */
  close(): void;
}

interface Entry {
  readonly depth: number;
}

const layers: Layer[] = [];
/** The browser is on its way back; it tells by a `popstate` when it is there. */
let moving = false;

/** The address of the app, without a fragment. */
const base = (): string => location.pathname + location.search;

const depth = (): number => (history.state as Entry | null)?.depth ?? 0;

export function attachLayers(onHash: () => void): void {
  history.replaceState({ depth: 0 } satisfies Entry, "");
  addEventListener("popstate", () => {
    if (moving) moving = false;
    // An address that somebody typed, or Forward.
    else if (history.state === null || depth() > layers.length) onHash();
    else closeAbove(depth());
    settle();
  });
}

export function isOpen(name: string): boolean {
  return layers.some((layer) => layer.name === name);
}

/** Puts a layer on top. */
export function openLayer(layer: Layer): void {
  if (isOpen(layer.name)) return;
  layers.push(layer);
  settle();
}

/** A layer was closed by other means than Back. */
export function closeLayer(name: string): void {
  const at = layers.findIndex((layer) => layer.name === name);
  if (at < 0) return;
  layers.splice(at, 1);
  settle();
}

/** Takes the fragment out of the address: what it names is shown no more. */
export function clearHash(): void {
  if (location.hash) history.replaceState({ depth: depth() } satisfies Entry, "", base());
}

function closeAbove(wanted: number): void {
  for (const layer of layers.splice(wanted)) layer.close();
}

/** Brings the history to as many entries as there are layers. */
function settle(): void {
  if (moving) return;
  if (history.state === null) history.replaceState({ depth: layers.length } satisfies Entry, "");
  if (layers.length < depth()) {
    moving = true;
    history.go(layers.length - depth());
  }
  while (layers.length > depth()) {
    const { hash } = layers[depth()] as Layer;
    history.pushState({ depth: depth() + 1 } satisfies Entry, "", hash && base() + hash);
  }
}
