/** The server of this window: started or reached, stopped, restarted, installed; what is wrong is said once. */

import { type ExtensionContext, type LogOutputChannel, commands, l10n, window } from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { type Connection, type Way, connect } from "./client";
import { install } from "./install";
import { process } from "./local";
import type { Pauses } from "./pauses";
import { Patience, RemoteError, open, over } from "./remote";
import { type Trouble, findServers, givenPath, inWords, isOld } from "./server";
import { SECTION, serverKey, serverUrl } from "./settings";
import type { StatusHolder } from "./status";

const INSTALL = () => l10n.t("Install");
const OPEN_SETTING = () => l10n.t("Open Setting");
const RESTART = () => l10n.t("Restart");
const SHOW_LOG = () => l10n.t("Show Log");
const SWITCH_MODEL = `${SECTION}.switchModel`;

export class Service {
  private client: LanguageClient | undefined;
  /** Starting and stopping take turns: two servers for one window would answer twice. */
  private turn: Promise<void> = Promise.resolve();
  /** Ends the attempts to reach a server elsewhere. */
  private reaching = new AbortController();
  /** What the user was told of it, "" where it is reached. */
  private told = "";
  /** The executable, once one has been found; a server elsewhere has none. */
  path: string | undefined;

  constructor(
    private readonly context: ExtensionContext,
    private readonly log: LogOutputChannel,
    private readonly holder: StatusHolder,
    private readonly pauses: Pauses,
  ) {}

  /** The server, while it answers. */
  get running(): LanguageClient | undefined {
    return this.client?.isRunning() === true ? this.client : undefined;
  }

  /** Start the server, or start it anew. */
  restart(): Promise<void> {
    this.told = "";
    return this.next(async (signal) => {
      await this.end();
      await this.begin(new Patience(), signal);
    });
  }

  stop(): Promise<void> {
    this.told = "";
    return this.next(() => this.end());
  }

  /** Install the extension's own server, after asking, and start it. */
  async install(): Promise<void> {
    const question = l10n.t("Install the server of pylot-ls into a virtual environment of its own?");
    const detail = l10n.t(
      "pip fetches what it needs from the Python package index, and may compile llama.cpp for 5 to 15 minutes.",
    );
    const answer = await window.showInformationMessage(question, { modal: true, detail }, INSTALL());
    if (answer === INSTALL()) {
      await this.next(async (signal) => {
        await this.end();
        this.holder.set({ state: "installing" });
        const isThere = await install(this.context, this.log);
        await (isThere ? this.begin(new Patience(), signal) : this.end());
      });
    }
  }

  /** Complete with another model from now on: by the server's own command, else by a new server. */
  async switchModel(reference: string): Promise<void> {
    const offered = this.client?.initializeResult?.capabilities.executeCommandProvider?.commands ?? [];
    if (this.client === undefined || !offered.includes(SWITCH_MODEL)) {
      return this.restart();
    }
    await this.client.sendRequest("workspace/executeCommand", {
      command: SWITCH_MODEL,
      arguments: ["complete", reference],
    });
  }

  /** The server asks for the settings itself when it hears of a change. */
  tellSettings(): void {
    void this.running?.sendNotification("workspace/didChangeConfiguration", { settings: null });
  }

  private next(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.reaching.abort(); // it would keep others waiting
    const { signal } = (this.reaching = new AbortController());
    const begun = () => work(signal);
    this.turn = this.turn.then(begun, begun);
    return this.turn;
  }

  private async begin(patience: Patience, signal: AbortSignal): Promise<void> {
    const url = serverUrl();
    if (this.told === "") {
      this.holder.set({ state: "loading" });
    }
    await (url === "" ? this.startHere() : this.reach(url, patience, signal));
  }

  private async startHere(): Promise<void> {
    const given = givenPath();
    let trouble: Trouble = given === undefined ? { kind: "missing" } : { kind: "missing", path: given };
    for (const path of await findServers(this.context)) {
      const found = await this.tryToStart(path);
      if (found === undefined) {
        this.path = path;
        return;
      }
      trouble = trouble.kind === "missing" ? found : trouble;
    }
    this.failed(inWords(trouble), actions(trouble));
  }

  /** Start one; what is wrong with it, undefined where it runs. */
  private async tryToStart(path: string): Promise<Trouble | undefined> {
    this.log.info(`starting ${path}`);
    const way = process(path, this.holder, () =>
      this.failed(l10n.t("pylot-ls ended five times within minutes. The log says why."), [SHOW_LOG(), RESTART()]),
    );
    const connection = this.connect(way);
    try {
      await connection.client.start();
    } catch (error) {
      this.log.error(String(error));
      return { kind: "crashing", path, reason: await connection.lastError() };
    }
    return this.take(connection.client, path);
  }

  /** Reach a server elsewhere, with longer and longer pauses, until it answers or nobody wants it any more. */
  private async reach(url: string, patience: Patience, signal: AbortSignal): Promise<void> {
    this.path = undefined;
    while (!signal.aborted) {
      try {
        await patience.wait(signal);
        await this.tryToReach(url, patience, signal);
        return;
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        this.log.warn(String(error));
        this.failedOnce(error instanceof Error ? error.message : String(error), [OPEN_SETTING(), SHOW_LOG()]);
        if (error instanceof RemoteError && error.isFinal) {
          return;
        }
      }
    }
  }

  private async tryToReach(url: string, patience: Patience, signal: AbortSignal): Promise<void> {
    const socket = await open(url, serverKey(), signal);
    patience.connected();
    const { client } = this.connect(
      over(socket, () => {
        if (this.client === client) {
          patience.lost();
          this.holder.set({ state: "loading" });
          void this.next(async (next) => {
            await this.end();
            await this.begin(patience, next);
          });
        }
      }),
    );
    await client.start();
    const trouble = await this.take(client, url);
    if (trouble !== undefined) {
      throw new RemoteError(inWords(trouble), true);
    }
    this.told = "";
  }

  private connect(way: Way): Connection {
    return connect(way, this.log, this.holder, this.pauses);
  }

  /** Serve this window with it from now on, unless it is too old. */
  private async take(client: LanguageClient, path: string): Promise<Trouble | undefined> {
    const version = client.initializeResult?.serverInfo?.version ?? "0";
    if (isOld(version)) {
      await client.dispose();
      return { kind: "too old", path, version };
    }
    this.client = client;
    return undefined;
  }

  private async end(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    if (client !== undefined) {
      await client.dispose().catch((error: unknown) => this.log.warn(`the server did not end well: ${String(error)}`));
    }
    if (this.told === "") {
      this.holder.set({ state: "off" });
    }
  }

  private failedOnce(advice: string, offered: string[]): void {
    if (this.told !== advice) {
      this.told = advice;
      this.failed(advice, offered);
    }
  }

  private failed(advice: string, offered: string[]): void {
    this.holder.set({ state: "failed", advice });
    this.log.error(advice);
    void this.offer(advice, offered);
  }

  private async offer(advice: string, offered: string[]): Promise<void> {
    switch (await window.showErrorMessage(advice, ...offered)) {
      case INSTALL():
        return this.install();
      case OPEN_SETTING():
        await commands.executeCommand("workbench.action.openSettings", `@id:${SECTION}.server*`);
        return;
      case RESTART():
        return this.restart();
      case SHOW_LOG():
        this.log.show();
        return;
    }
  }
}

function actions(trouble: Trouble): string[] {
  switch (trouble.kind) {
    case "missing":
      return trouble.path === undefined ? [INSTALL(), OPEN_SETTING()] : [OPEN_SETTING()];
    case "too old":
      return [INSTALL(), OPEN_SETTING()];
    case "crashing":
      return [SHOW_LOG(), RESTART()];
  }
}
