/** Keeps the screen on, where the browser can: phones stop pages behind a dark one. Returns how to end it. */
export function keepAwake(): () => void {
  const ended = new AbortController();
  let lock: WakeLockSentinel | undefined;
  const ask = async (): Promise<void> => {
    // The browser lets go of it when the page is hidden, and refuses it when the battery is low.
    lock = await navigator.wakeLock?.request("screen").catch(() => undefined);
    if (ended.signal.aborted) void lock?.release();
  };
  const again = (): void => {
    if (document.visibilityState === "visible") void ask();
  };
  document.addEventListener("visibilitychange", again, { signal: ended.signal });
  void ask();
  return () => {
    ended.abort();
    void lock?.release();
  };
}
