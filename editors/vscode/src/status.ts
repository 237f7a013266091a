/** What the extension knows of the server, and who wants to hear of changes. */

import { EventEmitter } from "vscode";

export type Status =
  /** The server starts, or its model is being loaded. */
  | { state: "loading"; percent?: number }
  | { state: "ready"; model: string }
  | { state: "installing" }
  /** There is none, because the user wants none. */
  | { state: "off" }
  /** It does not work until the user does something; `advice` says what. */
  | { state: "failed"; advice: string };

export class StatusHolder {
  private readonly changes = new EventEmitter<Status>();
  readonly onChange = this.changes.event;
  private current: Status = { state: "off" };
  /** How long the latest suggestion took in the server, in milliseconds. */
  latestMs: number | undefined;

  get status(): Status {
    return this.current;
  }

  set(status: Status): void {
    this.current = status;
    this.changes.fire(status);
  }

  dispose(): void {
    this.changes.dispose();
  }
}
