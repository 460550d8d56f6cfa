/** The pages: the start, the photo and the study, and the way from one to another. */

import type { App } from "../app/app";
import type { Photo } from "../app/photo";
import { block } from "../dom";
import { number, onLanguage } from "../i18n";
import { attachLayers, clearHash, closeLayer, isOpen, openLayer } from "./layers";

const STUDY = { name: "study", hash: "#study", close: () => {} };

let shownPhoto: Photo | null = null;

/** Shows the page that the address and the photo call for. */
function showPage(app: App): void {
  const study = location.hash === STUDY.hash;
  const { photo } = app.viewer;
  block("study").hidden = !study;
  block("viewer").hidden = study || !photo;
  block("start").hidden = study || photo !== null;
  const named = photo !== null && !study;
  block("photo-title").textContent = named ? photo.name : "";
  block("photo-size").textContent = named ? `${number(photo.width)} × ${number(photo.height)}` : "";
}

/** A photo is a layer over the start page; another one takes its place. */
function showPhoto(app: App): void {
  const { photo } = app.viewer;
  if (photo === shownPhoto) return;
  shownPhoto = photo;
  if (!photo) {
    closeLayer("photo");
    return;
  }
  leaveStudy();
  for (const dialog of document.querySelectorAll<HTMLDialogElement>("dialog[open]")) dialog.close();
  openPhotoLayer(app);
}

function openPhotoLayer(app: App): void {
  openLayer({ name: "photo", close: () => void leavePhoto(app) });
}

/** Back was pressed over a photo: it goes, or its owner keeps it. */
async function leavePhoto(app: App): Promise<void> {
  if (app.job.isAtRisk) openPhotoLayer(app);
  await app.close();
}

function leaveStudy(): void {
  if (isOpen(STUDY.name)) closeLayer(STUDY.name);
  else clearHash(); // the page was opened with it
}

export function attachPages(app: App): void {
  const show = (): void => {
    showPhoto(app);
    showPage(app);
  };
  const onLink = (id: string, act: () => void): void =>
    block(id).addEventListener("click", (event) => {
      event.preventDefault();
      act();
      showPage(app);
    });
  onLink("study-open", () => openLayer(STUDY));
  onLink("study-leave", leaveStudy);
  onLink("home", () => (location.hash === STUDY.hash ? leaveStudy() : void app.close()));
  attachLayers(() => (location.hash === STUDY.hash ? openLayer(STUDY) : closeLayer(STUDY.name)));
  addEventListener("popstate", show);
  app.onChange(show);
  onLanguage(show);
  addEventListener("beforeunload", (event) => {
    if (app.job.isAtRisk || app.queue.isAtRisk) event.preventDefault();
  });
}
