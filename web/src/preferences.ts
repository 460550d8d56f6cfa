/** What the user chose, kept on this device. */

interface Preferences {
  language: string;
  theme: string;
  model: string;
  restore: string;
  against: string;
  format: string;
  keepDetails: string;
  keepPlace: string;
  keepTransparency: string;
  side: string;
  lastSide: string;
  offline: string;
  participant: string;
  seed: string;
}

const PREFIX = "zoomsr.";

/** A choice, or null; storage may be forbidden, which is no fault. */
export function recall(name: keyof Preferences): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

export function remember(name: keyof Preferences, value: string): void {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // Choices then last as long as the page.
  }
}
