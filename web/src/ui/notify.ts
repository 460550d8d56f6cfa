/** Tells somebody who looks elsewhere, if that was allowed before: nobody is asked here. */
export async function notify(text: string): Promise<void> {
  if (!document.hidden || !("Notification" in window) || Notification.permission !== "granted")
    return;
  const options = { icon: "./icons/icon.svg", tag: "job" };
  try {
    // Phones show only what comes from the service worker.
    const registration = await navigator.serviceWorker?.getRegistration();
    if (registration) await registration.showNotification(text, options);
    else new Notification(text, options);
  } catch (error) {
    console.warn("no notification:", error);
  }
}
