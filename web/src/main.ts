/** Puts the app together. */

import "./styles/main.css";
import { App } from "./app/app";
import { exposeSurface } from "./app/surface";
import { block, byId } from "./dom";
import { LANGUAGES, type Language, pickLanguage, setLanguage } from "./i18n";
import { attachInstall, registerOffline } from "./offline/register";
import { recall } from "./preferences";
import { attachStudy } from "./study/page";
import { attachCamera } from "./ui/camera";
import { defineCompareSlider } from "./ui/compare-slider";
import { attachDemo } from "./ui/demo";
import { attachIncoming } from "./ui/incoming";
import { attachJobChip } from "./ui/job-chip";
import { attachOpening } from "./ui/open";
import { OutputChoices } from "./ui/output-choices";
import { attachPages } from "./ui/pages";
import { attachQueue } from "./ui/queue";
import { attachSaving } from "./ui/save";
import { attachSettings } from "./ui/settings";
import { attachTheme } from "./ui/theme";
import { attachToast } from "./ui/toast";
import { attachToolbar } from "./ui/toolbar";
import { attachGestures } from "./view/gestures";

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
  const choices = new OutputChoices(app);
  const queue = attachQueue(app, choices);
  const receive = attachOpening(app, queue);
  attachDemo(app);
  attachCamera(app);
  attachToolbar(app);
  attachSettings(app);
  attachSaving(app, choices);
  attachJobChip(app);
  attachStudy(app);
  attachPages(app);
  attachStage(app);
  attachIncoming(receive);
  attachInstall();
  const address = new URLSearchParams(location.search);
  const started = app.start({ backend: address.get("backend"), model: address.get("model") });
  void started.then(() => registerOffline(app)); // it would take the line from what is waited for
}

main();
