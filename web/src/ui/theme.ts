import { byId } from "../dom";
import { recall, remember } from "../preferences";

const THEMES = ["system", "light", "dark"];

/** The picker of light and dark; the system's choice unless there is another. */
export function attachTheme(): void {
  const picker = byId("theme-picker", HTMLSelectElement);
  const chosen = recall("theme") ?? "";
  picker.value = THEMES.includes(chosen) ? chosen : "system";
  show(picker.value);
  picker.addEventListener("change", () => {
    remember("theme", picker.value);
    show(picker.value);
  });
}

function show(theme: string): void {
  document.documentElement.dataset.theme = theme;
}
