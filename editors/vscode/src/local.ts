/** A server that is a process of ours, started again where it dies. */

import { CloseAction, ErrorAction, type ErrorHandler, TransportKind } from "vscode-languageclient/node";
import type { Way } from "./client";
import { isShared } from "./settings";
import type { StatusHolder } from "./status";

const MAX_RESTARTS = 4;
const RESTARTS_WITHIN_MS = 3 * 60_000;

/** `onGivenUp` is called where a server that did start has died too often. */
export function process(path: string, holder: StatusHolder, onGivenUp: () => void): Way {
  const args = isShared() ? ["--shared"] : [];
  return {
    server: { command: path, args, transport: TransportKind.stdio },
    onClosed: (isStarted) => restarting(isStarted, holder, onGivenUp),
    isElsewhere: false,
  };
}

/** Starts the server again at once, but not one that dies over and over, nor one that never ran. */
function restarting(isStarted: () => boolean, holder: StatusHolder, onGivenUp: () => void): ErrorHandler {
  const deaths: number[] = [];
  return {
    error: () => ({ action: ErrorAction.Continue, handled: true }), // `closed` follows where it is over
    closed() {
      if (!isStarted()) {
        return { action: CloseAction.DoNotRestart, handled: true };
      }
      const now = Date.now();
      deaths.push(now);
      while ((deaths[0] ?? now) < now - RESTARTS_WITHIN_MS) {
        deaths.shift();
      }
      if (deaths.length <= MAX_RESTARTS) {
        holder.set({ state: "loading" });
        return { action: CloseAction.Restart, handled: true };
      }
      onGivenUp();
      return { action: CloseAction.DoNotRestart, handled: true };
    },
  };
}
