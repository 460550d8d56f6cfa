/** Puts the app together. */

import "./styles/main.css";
import { App } from "./app";
import { block, byId } from "./dom";
import { attachGestures } from "./gestures";
import { LANGUAGES, type Language, number, onLanguage, pickLanguage, setLanguage } from "./i18n";
import { registerOffline } from "./offline/register";
import { recall } from "./preferences";
import { attachStudy } from "./study/page";
import { exposeSurface } from "./surface";
import { attachCamera } from "./ui/camera";
import { defineCompareSlider } from "./ui/compare-slider";
import { attachDemo } from "./ui/demo";
import { attachOpening } from "./ui/open";
import { attachSaving } from "./ui/save";
import { attachSettings } from "./ui/settings";
import { attachTheme } from "./ui/theme";
import { attachToast } from "./ui/toast";
import { attachToolbar } from "./ui/toolbar";

function startLanguage(): void {
  const chosen = recall("language");
  setLanguage(
    chosen && chosen in LANGUAGES ? (chosen as Language) : pickLanguage(navigator.languages),
  );
}

function observeStage(app: App): void {
  const frame = block("frame");
  const measure = (): void => {
    const ratio = devicePixelRatio;
    app.viewer.resize({
      width: Math.max(1, Math.round(frame.clientWidth * ratio)),
      height: Math.max(1, Math.round(frame.clientHeight * ratio)),
    });
  };
  new ResizeObserver(measure).observe(frame);
}

/** Shows the page that the address and the photo call for. */
function showPage(app: App): void {
  const study = location.hash === "#study";
  const hasPhoto = app.viewer.photo !== null;
  block("study").hidden = !study;
  block("viewer").hidden = study || !hasPhoto;
  block("start").hidden = study || hasPhoto;
  const { photo } = app.viewer;
  block("photo-name").textContent =
    photo && !study ? `${photo.name} · ${number(photo.width)} × ${number(photo.height)}` : "";
}

function attachHome(app: App): void {
  block("home").addEventListener("click", (event) => {
    event.preventDefault();
    if (location.hash) location.hash = "";
    else app.close();
  });
}

function attachStage(app: App): void {
  const { viewer } = app;
  attachGestures(block("stage"), {
    view: () => (viewer.photo ? viewer.view : null),
    move: (view) => viewer.move(view),
    zoom: (view, zoom, at) => viewer.zoom(view, zoom, at),
    toggleZoom: (at) => viewer.toggleZoom(at),
  });
  observeStage(app);
}

function main(): void {
  startLanguage();
  attachTheme();
  attachToast();
  defineCompareSlider();
  const app = new App(byId("canvas", HTMLCanvasElement));
  exposeSurface(app);
  attachOpening(app);
  attachDemo(app);
  attachCamera(app);
  attachToolbar(app);
  attachSettings(app);
  attachSaving(app);
  attachStudy(app);
  attachHome(app);
  const show = (): void => showPage(app);
  addEventListener("hashchange", show);
  app.onChange(show);
  onLanguage(show);
  attachStage(app);
  registerOffline();
  const wished = new URLSearchParams(location.search).get("backend");
  void app.start(wished);
}

main();
