/**
 * The service worker: answers from caches, so that the app works without a network.
 *
 * The app's files are one versioned cache, filled before this version takes over. The models are
 * another, by the version of their index: the one that the page was given stays in use until the
 * next start, while a newer one is fetched beside it. Every answer carries the headers that give the
 * page threads, for hosts that cannot send them.
 */

const worker = self as unknown as ServiceWorkerGlobalScope;

/** Filled in by the build: a hash of all files, and those that are needed from the start. */
const VERSION = "__VERSION__";
const FILES: readonly string[] = JSON.parse('["__FILES__"]');

const APP_PREFIX = "zoomsr-app-";
const MODELS_PREFIX = "zoomsr-models-";
const APP_CACHE = APP_PREFIX + VERSION;
const INDEX = "models/index.json";
const ISOLATION: Readonly<Record<string, string>> = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/** What the index says of the files that are kept. */
interface Index {
  readonly version: string;
  readonly models: readonly {
    file: string;
    golden: { lr: string; sr: string };
    twin?: { file: string } | null;
  }[];
  readonly study?: readonly { file: string }[];
}

worker.addEventListener("install", (event) => {
  event.waitUntil(Promise.all([fillApp(), refreshModels()]));
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(takeOver());
});

worker.addEventListener("message", (event) => {
  if (event.data === "take over") void worker.skipWaiting();
});

worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(showApp());
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(worker.registration.scope)) return;
  const path = request.url.slice(worker.registration.scope.length).replace(/[?#].*$/, "");
  if (path === INDEX) {
    event.respondWith(answerIndex());
    event.waitUntil(refreshModels().catch(() => {})); // without a network there is nothing newer
  } else event.respondWith(answer(request, path));
});

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
  const found = (await matchApp(wanted)) ?? (await matchModels(path));
  if (found) return isolated(found);
  const response = await fetch(request);
  // What is large and not needed everywhere, such as the WebGPU runtime, is kept once it was used.
  if (response.ok && path.startsWith("ort/")) {
    await (await caches.open(APP_CACHE)).put(path, response.clone());
  }
  return isolated(response);
}

async function matchApp(path: string): Promise<Response | undefined> {
  return (await caches.open(APP_CACHE)).match(path);
}

/** The oldest complete set of models: the one that the page was given the index of. */
async function matchModels(path: string): Promise<Response | undefined> {
  for (const cache of await completeModels()) return cache.match(path);
  return undefined;
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

/** Fetches the models if there are others than those that are kept. Their index is kept last. */
async function refreshModels(): Promise<void> {
  const response = await fetch(INDEX, { cache: "no-cache" });
  if (!response.ok) throw new Error(`${INDEX}: ${response.status}`);
  const { version, models, study = [] } = (await response.clone().json()) as Index;
  const name = MODELS_PREFIX + version;
  const cache = await caches.open(name);
  if (await cache.match(INDEX)) return;
  const twins = models.flatMap(({ twin }) => twin ?? []);
  const files = [...models, ...twins, ...study].map(({ file }) => file);
  const golden = models.flatMap((model) => [model.golden.lr, model.golden.sr]);
  const wanted = new Set([...files, ...golden].map((file) => `models/${file}`));
  await Promise.all([...wanted].map((file) => store(cache, file)));
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

/** The same answer with the headers that isolate the page. */
function isolated(response: Response): Response {
  if (response.status === 0 || response.redirected) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(ISOLATION)) headers.set(name, value);
  const { status, statusText } = response;
  return new Response(status === 304 ? null : response.body, { status, statusText, headers });
}
