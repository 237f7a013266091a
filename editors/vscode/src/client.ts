/** The connection to the server: starting it, starting it again when it dies, and what the server is told. */

import { type LogOutputChannel, window } from "vscode";
import {
  CloseAction,
  ErrorAction,
  type ErrorHandler,
  LanguageClient,
  type LanguageClientOptions,
  type Middleware,
  RevealOutputChannelOn,
  State,
  TransportKind,
} from "vscode-languageclient/node";
import { listen, wanted } from "./notifications";
import type { Pauses } from "./pauses";
import { lastLine } from "./server";
import { SECTION, chosenSettings } from "./settings";
import type { StatusHolder } from "./status";

const MAX_RESTARTS = 4;
const RESTARTS_WITHIN_MS = 3 * 60_000;
const DOCUMENTS = [{ scheme: "file" }, { scheme: "untitled" }, { scheme: "vscode-notebook-cell" }];

/** What the library finds wrong goes to the log; what the user can do about it is said elsewhere, once. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

export interface Connection {
  client: LanguageClient;
  /** The last line that the server wrote to standard error, "" where there was none. */
  lastError: () => string;
}

/** A connection, not yet started. `onGivenUp` is called where a server that did start has died too often. */
export function connect(
  path: string,
  log: LogOutputChannel,
  holder: StatusHolder,
  pauses: Pauses,
  onGivenUp: () => void,
): Connection {
  let lastError = "";
  let isStarted = false;
  const options: LanguageClientOptions = {
    documentSelector: DOCUMENTS,
    outputChannel: log,
    revealOutputChannelOn: RevealOutputChannelOn.Never, // typing is not disturbed
    initializationOptions: () => pauses.applied(chosenSettings()),
    middleware: middleware(pauses),
    errorHandler: restarting(() => isStarted, holder, onGivenUp),
    initializationFailedHandler: () => false, // start() rejects, and whoever called it tells the user
    stdioOptions: {
      stdout: () => {}, // it belongs to the protocol
      stderr(input) {
        input.on("data", (data: Buffer) => {
          lastError = lastLine(String(data)) || lastError;
          log.info(String(data).trimEnd());
        });
      },
    },
  };
  const client = new QuietClient(SECTION, "pylot-ls", { command: path, transport: TransportKind.stdio }, options);
  client.registerFeature(wanted);
  listen(client, holder);
  client.onDidChangeState((change) => {
    isStarted ||= change.newState === State.Running;
  });
  return { client, lastError: () => lastError };
}

function middleware(pauses: Pauses): Middleware {
  return {
    provideInlineCompletionItems: (document, position, context, token, next) =>
      pauses.reach(document) === undefined ? next(document, position, context, token) : null,
    async resolveCodeAction(action, token, next) {
      try {
        return await next(action, token);
      } catch (error) {
        // VS Code says nothing of it by itself: whoever has chosen the action would wait.
        if (!token.isCancellationRequested) {
          void window.showWarningMessage(error instanceof Error ? error.message : String(error));
        }
        return action;
      }
    },
    workspace: {
      configuration: (params) =>
        params.items.map((item) => (item.section === SECTION ? pauses.applied(chosenSettings()) : null)),
    },
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
