/** The connection to the server: what it is told, and what is heard from it. */

import { setTimeout as sleep } from "node:timers/promises";
import { type LogOutputChannel, window } from "vscode";
import {
  type ErrorHandler,
  type InitializeParams,
  LanguageClient,
  type LanguageClientOptions,
  type Middleware,
  RevealOutputChannelOn,
  type ServerOptions,
  State,
} from "vscode-languageclient/node";
import { listen, wanted } from "./notifications";
import type { Pauses } from "./pauses";
import { lastLine } from "./server";
import { SECTION, chosenSettings } from "./settings";
import type { StatusHolder } from "./status";

const DOCUMENTS = [{ scheme: "file" }, { scheme: "untitled" }, { scheme: "vscode-notebook-cell" }];

const LAST_WORDS_MS = 2_000;

/** How a server is reached. */
export interface Way {
  server: ServerOptions;
  /** What is done when the connection is lost; `isStarted` tells whether the server ever answered. */
  onClosed: (isStarted: () => boolean) => ErrorHandler;
  /** Whether it may run on another machine. */
  isElsewhere: boolean;
}

export interface Connection {
  client: LanguageClient;
  /** The last line that a server which has ended wrote to standard error, "" where there was none. */
  lastError: () => Promise<string>;
}

/** What the library finds wrong goes to the log; what the user can do about it is said elsewhere, once. */
class QuietClient extends LanguageClient {
  constructor(
    private readonly isElsewhere: boolean,
    server: ServerOptions,
    options: LanguageClientOptions,
  ) {
    super(SECTION, "pylot-ls", server, options);
  }

  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }

  protected override fillInitializeParams(params: InitializeParams): void {
    super.fillInitializeParams(params);
    if (this.isElsewhere) {
      params.processId = null; // on that machine it is somebody else's
    }
  }
}

const middleware: Middleware = {
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
    configuration: (params) => params.items.map((item) => (item.section === SECTION ? chosenSettings() : null)),
  },
};

/** A connection, not yet started. */
export function connect(way: Way, log: LogOutputChannel, holder: StatusHolder, pauses: Pauses): Connection {
  let lastError = "";
  let isRead: Promise<void> = Promise.resolve();
  let isStarted = false;
  const options: LanguageClientOptions = {
    documentSelector: DOCUMENTS,
    outputChannel: log,
    revealOutputChannelOn: RevealOutputChannelOn.Never, // typing is not disturbed
    initializationOptions: () => chosenSettings(),
    middleware,
    errorHandler: way.onClosed(() => isStarted),
    initializationFailedHandler: () => false, // start() rejects, and whoever called it tells the user
    stdioOptions: {
      stdout: () => {}, // it belongs to the protocol
      stderr(input) {
        // That it ended may be known before what it said at last. Children of its own may keep the pipe open.
        isRead = new Promise((resolve) => input.once("close", resolve));
        input.on("data", (data: Buffer) => {
          lastError = lastLine(String(data)) || lastError;
          log.info(String(data).trimEnd());
        });
      },
    },
  };
  const client = new QuietClient(way.isElsewhere, way.server, options);
  client.registerFeature(wanted);
  listen(client, holder);
  pauses.follow(client);
  client.onDidChangeState((change) => {
    isStarted ||= change.newState === State.Running;
  });
  return {
    client,
    async lastError() {
      await Promise.race([isRead, sleep(LAST_WORDS_MS)]);
      return lastError;
    },
  };
}
