/** What the app is at: an attribute of the page, which its looks and its tests go by. */

export type State = "empty" | "loading" | "view" | "sharpening" | "sharp" | "upscaling" | "done";
export type EngineState = "starting" | "ready" | "failed";

export function setState(state: State): void {
  const { dataset } = document.documentElement;
  if (dataset.state !== state) dataset.state = state;
}

export function state(): State {
  return document.documentElement.dataset.state as State;
}

export function setEngineState(state: EngineState): void {
  document.documentElement.dataset.engine = state;
}

export function engineState(): EngineState {
  return document.documentElement.dataset.engine as EngineState;
}
