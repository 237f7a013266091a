/** A server that runs elsewhere and is reached by a WebSocket, each message one text frame. */

import { setTimeout as sleep } from "node:timers/promises";
import { l10n } from "vscode";
import {
  AbstractMessageReader,
  AbstractMessageWriter,
  CloseAction,
  type DataCallback,
  type Disposable,
  ErrorAction,
  type Message,
} from "vscode-languageclient/node";
import WebSocket from "ws";
import type { Way } from "./client";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** A connection that lasted so long was a good one: after it the pauses begin anew. */
const LASTING_MS = 30_000;
/** A connection over which nothing comes back for so long is dead, as after a laptop's sleep. */
const HEARTBEAT_MS = 20_000;
const HANDSHAKE_MS = 10_000;

/** Why there is no connection; `isFinal` where trying again is of no use until the user has changed something. */
export class RemoteError extends Error {
  constructor(
    message: string,
    readonly isFinal = false,
  ) {
    super(message);
  }
}

/** How long to wait before each attempt: longer and longer. */
export class Patience {
  private pauseMs = 0;
  private connectedAt = 0;

  async wait(signal: AbortSignal): Promise<void> {
    await sleep(this.pauseMs, undefined, { signal });
    this.pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, 2 * this.pauseMs));
  }

  connected(): void {
    this.connectedAt = Date.now();
  }

  lost(): void {
    if (Date.now() - this.connectedAt >= LASTING_MS) {
      this.pauseMs = 0;
    }
  }
}

/** An open connection; throws a `RemoteError` where there is none to be had. */
export function open(url: string, key: string, signal: AbortSignal): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const headers = key === "" ? {} : { Authorization: `Bearer ${key}` };
    let socket: WebSocket;
    try {
      checkAddress(url);
      socket = new WebSocket(url, { headers, handshakeTimeout: HANDSHAKE_MS, perMessageDeflate: false });
    } catch (error) {
      reject(error instanceof RemoteError ? error : new RemoteError(noAddress(url), true));
      return;
    }
    const stop = () => socket.terminate();
    signal.addEventListener("abort", stop, { once: true });
    socket.once("open", () => {
      signal.removeEventListener("abort", stop);
      resolve(socket);
    });
    socket.once("unexpected-response", (request, response) => {
      request.destroy();
      reject(refused(url, response.statusCode ?? 0));
    });
    socket.on("error", (error) => reject(unreachable(url, error)));
  });
}

/** The way over an open connection; `onLost` is called where it ends. */
export function over(socket: WebSocket, onLost: () => void): Way {
  return {
    server: async () => ({ reader: new SocketReader(socket), writer: new SocketWriter(socket) }),
    onClosed: () => ({
      error: () => ({ action: ErrorAction.Continue, handled: true }), // `closed` follows where it is over
      closed() {
        onLost();
        return { action: CloseAction.DoNotRestart, handled: true };
      },
    }),
    isElsewhere: true,
  };
}

class SocketReader extends AbstractMessageReader {
  constructor(private readonly socket: WebSocket) {
    super();
    const heart = keepAlive(socket);
    socket.on("error", (error) => this.fireError(error));
    socket.on("close", () => {
      clearInterval(heart);
      this.fireClose();
    });
  }

  listen(callback: DataCallback): Disposable {
    const hear = (data: WebSocket.RawData) => {
      let message: Message;
      try {
        message = JSON.parse(String(data)) as Message;
      } catch (error) {
        this.fireError(error);
        return;
      }
      callback(message);
    };
    this.socket.on("message", hear);
    return { dispose: () => this.socket.off("message", hear) };
  }
}

class SocketWriter extends AbstractMessageWriter {
  constructor(private readonly socket: WebSocket) {
    super();
  }

  write(message: Message): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.send(JSON.stringify(message), (error) => (error ? reject(error) : resolve()));
    });
  }

  end(): void {
    this.socket.close();
  }
}

/** Ask the other side from time to time whether it is there, and close the connection where it is not. */
function keepAlive(socket: WebSocket): NodeJS.Timeout {
  let isAlive = true;
  socket.on("pong", () => {
    isAlive = true;
  });
  return setInterval(() => {
    if (!isAlive) {
      socket.terminate();
    } else if (socket.readyState === WebSocket.OPEN) {
      isAlive = false;
      socket.ping();
    }
  }, HEARTBEAT_MS);
}

function checkAddress(url: string): void {
  if (!/^wss?:\/\/[^/]/i.test(url)) {
    throw new RemoteError(noAddress(url), true);
  }
}

function noAddress(url: string): string {
  return l10n.t(
    "{0} is no address of a server, such as ws://127.0.0.1:4711/lsp. Correct the setting pylot-ls.serverUrl, or empty it.",
    url,
  );
}

function refused(url: string, status: number): RemoteError {
  if (status === 401 || status === 403) {
    const advice = l10n.t("The server at {0} takes another key. Correct the setting pylot-ls.serverKey.", url);
    return new RemoteError(advice, true);
  }
  return unreachable(url, new Error(`HTTP ${status}`));
}

function unreachable(url: string, error: Error): RemoteError {
  const reason = error.message || error.name;
  return new RemoteError(
    l10n.t(
      "No pylot-ls answers at {0} ({1}). Start `pylot-ls serve --port PORT` there; the extension goes on trying.",
      url,
      reason,
    ),
  );
}
