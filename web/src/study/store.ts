/** Answers, kept on this device until they are deleted. */

import type { Answer } from "./csv";

const KEY = "zoomsr.study";

/** All answers so far; those of this page only where storage is forbidden. */
export class AnswerStore {
  private kept: Answer[] = read();

  get answers(): readonly Answer[] {
    return this.kept;
  }

  /** The answers of one participant. */
  of(participant: string): Answer[] {
    return this.kept.filter((answer) => answer.participant === participant);
  }

  add(answer: Answer): void {
    this.write([...this.kept, answer]);
  }

  clear(): void {
    this.write([]);
  }

  private write(answers: Answer[]): void {
    this.kept = answers;
    try {
      localStorage.setItem(KEY, JSON.stringify(answers));
    } catch {
      // They then last as long as the page, and can be exported.
    }
  }
}

function read(): Answer[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(found) ? (found as Answer[]) : [];
  } catch {
    return [];
  }
}
