/**
 * The service worker: answers from caches, so that the app works without a network.
 *
 * The app's files are one versioned cache, filled before this version takes over. The models are
 * another, by the version of their index, with those that were used or that the page asks to keep:
 * the one that the page was given stays in use until the next start, while a newer one is fetched
 * beside it. Every answer carries the headers that give the page threads, for hosts that cannot send
 * them.
 */

const worker = self as unknown as ServiceWorkerGlobalScope;

/** Filled in by the build: a hash of all files, and those that are needed from the start. */
const VERSION = "__VERSION__";
const FILES: readonly string[] = JSON.parse('["__FILES__"]');

const APP_PREFIX = "zoomsr-app-";
const MODELS_PREFIX = "zoomsr-models-";
const APP_CACHE = APP_PREFIX + VERSION;
const INDEX = "models/index.json";
/** Where other apps send photos, as the manifest says, and where they wait for the page. */
const SHARE = "share";
const SHARED_CACHE = "zoomsr-shared";
const ISOLATION: Readonly<Record<string, string>> = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/** What is read of the index. */
interface Index {
  readonly version: string;
}

/** What the page sends: to take over, or to keep files by their addresses. */
type Message = "take over" | { readonly keep: readonly string[] };

worker.addEventListener("install", (event) => {
  event.waitUntil(Promise.all([fillApp(), refreshModels()]));
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(takeOver());
});

worker.addEventListener("message", (event) => {
  const message = event.data as Message;
  if (message === "take over") void worker.skipWaiting();
  else event.waitUntil(keep(message.keep, event.ports[0]));
});

worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(showApp());
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  if (!request.url.startsWith(worker.registration.scope)) return;
  const path = pathOf(request.url);
  if (request.method === "POST" && path === SHARE) event.respondWith(takeShared(request));
  if (request.method !== "GET") return;
  if (path === INDEX) {
    event.respondWith(answerIndex());
    event.waitUntil(refreshModels().catch(() => {})); // without a network there is nothing newer
  } else event.respondWith(answer(request, path));
});

/** Keeps shared photos, which never leave the device, until the page that opens has taken them. */
async function takeShared(request: Request): Promise<Response> {
  await caches.delete(SHARED_CACHE);
  const cache = await caches.open(SHARED_CACHE);
  const form = await request.formData();
  const files = form.getAll("photos").filter((value) => value instanceof File);
  for (const [index, file] of files.entries()) {
    const headers = { "content-type": file.type, "x-name": encodeURIComponent(file.name) };
    await cache.put(`${SHARE}/${index}`, new Response(file, { headers }));
  }
  return Response.redirect(`${worker.registration.scope}?shared`, 303);
}

/** Brings the page forward that has told of its job. */
async function showApp(): Promise<void> {
  const [page] = await worker.clients.matchAll({ type: "window" });
  await page?.focus();
}

async function fillApp(): Promise<void> {
  const cache = await caches.open(APP_CACHE);
  await Promise.all(FILES.map((file) => store(cache, file)));
}

async function takeOver(): Promise<void> {
  for (const name of await caches.keys()) {
    if (name.startsWith(APP_PREFIX) && name !== APP_CACHE) await caches.delete(name);
  }
  await worker.clients.claim();
}

async function answer(request: Request, path: string): Promise<Response> {
  const wanted = request.mode === "navigate" ? "./" : path;
  const cache = await (isModel(path) ? pageModels() : caches.open(APP_CACHE));
  const found = request.cache === "reload" ? undefined : await cache?.match(wanted);
  if (found) return isolated(found);
  const response = await fetch(request);
  // What is not needed everywhere, such as a model or the WebGPU runtime, is kept once it was used.
  if (response.ok && /^(ort|models|samples)\//.test(path)) await cache?.put(path, response.clone());
  return isolated(response);
}

/** Keeps files by their addresses, and tells the page: null, or why it cannot. */
async function keep(files: readonly string[], port: MessagePort | undefined): Promise<void> {
  try {
    const [models, app] = await Promise.all([pageModels(), caches.open(APP_CACHE)]);
    const cacheOf = (file: string): Cache | undefined => (isModel(pathOf(file)) ? models : app);
    await Promise.all(files.map((file) => storeMissing(cacheOf(file), file)));
    port?.postMessage(null);
  } catch (error) {
    port?.postMessage(String(error));
  }
}

async function storeMissing(cache: Cache | undefined, file: string): Promise<void> {
  if (cache && !(await cache.match(file))) await store(cache, file);
}

/** An address below the app's, without what follows a question mark. */
function pathOf(url: string): string {
  return url.slice(worker.registration.scope.length).replace(/[?#].*$/, "");
}

/** Whether a file is kept with the models. */
function isModel(path: string): boolean {
  return path.startsWith("models/");
}

/** The oldest set of models: the one that the page was given the index of. */
async function pageModels(): Promise<Cache | undefined> {
  return (await completeModels())[0];
}

/** The index: a start of the page, so older sets of models end here. */
async function answerIndex(): Promise<Response> {
  const names = await modelCaches();
  const newest = (await completeModels()).at(-1);
  const index = await newest?.match(INDEX);
  if (!index) return isolated(await fetch(INDEX));
  const { version } = (await index.clone().json()) as Index;
  const old = names.filter((name) => name !== MODELS_PREFIX + version);
  await Promise.all(old.map((name) => caches.delete(name)));
  return isolated(index);
}

/** Fetches the index, and if it is a new one, what was kept with the one before; the index is kept last. */
async function refreshModels(): Promise<void> {
  const response = await fetch(INDEX, { cache: "no-cache" });
  if (!response.ok) throw new Error(`${INDEX}: ${response.status}`);
  const { version } = (await response.clone().json()) as Index;
  const before = (await completeModels()).at(-1);
  const cache = await caches.open(MODELS_PREFIX + version);
  if (await cache.match(INDEX)) return;
  const kept = (await before?.keys()) ?? [];
  // What has gone from the host since is no loss.
  await Promise.allSettled(kept.map(({ url }) => store(cache, url)));
  await cache.put(INDEX, response);
}

async function modelCaches(): Promise<string[]> {
  return (await caches.keys()).filter((name) => name.startsWith(MODELS_PREFIX));
}

/** Caches with their index, in the order in which they were made. */
async function completeModels(): Promise<Cache[]> {
  const opened = await Promise.all((await modelCaches()).map((name) => caches.open(name)));
  const complete = await Promise.all(opened.map((cache) => cache.match(INDEX)));
  return opened.filter((_, index) => complete[index]);
}

async function store(cache: Cache, file: string): Promise<void> {
  const response = await fetch(file, { cache: "no-cache" });
  if (!response.ok) throw new Error(`${file}: ${response.status}`);
  await cache.put(file, response);
}

/** The same answer with the headers that isolate the page; as it is if it has them. */
function isolated(response: Response): Response {
  if (response.status === 0 || response.redirected) return response;
  if (Object.keys(ISOLATION).every((name) => response.headers.has(name))) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(ISOLATION)) headers.set(name, value);
  const { status, statusText } = response;
  return new Response(status === 304 ? null : response.body, { status, statusText, headers });
}
