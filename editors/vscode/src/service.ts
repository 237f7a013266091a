/** The server of this window: started, stopped, restarted, installed; what is wrong is said once. */

import { type ExtensionContext, type LogOutputChannel, commands, window } from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { connect } from "./client";
import { install } from "./install";
import type { Pauses } from "./pauses";
import { type Trouble, findServers, givenPath, inWords, isOld } from "./server";
import { SECTION } from "./settings";
import type { StatusHolder } from "./status";

const INSTALL = "Install";
const OPEN_SETTING = "Open Setting";
const RESTART = "Restart";
const SHOW_LOG = "Show Log";
const SWITCH_MODEL = `${SECTION}.switchModel`;

export class Service {
  private client: LanguageClient | undefined;
  /** Starting and stopping take turns: two servers for one window would answer twice. */
  private turn: Promise<void> = Promise.resolve();
  /** The executable, once one has been found. */
  path: string | undefined;

  constructor(
    private readonly context: ExtensionContext,
    private readonly log: LogOutputChannel,
    private readonly holder: StatusHolder,
    private readonly pauses: Pauses,
  ) {
    context.subscriptions.push(pauses.onChange(() => this.tellSettings()));
  }

  /** Start the server, or start it anew. */
  restart(): Promise<void> {
    return this.next(async () => {
      await this.end();
      await this.begin();
    });
  }

  stop(): Promise<void> {
    return this.next(() => this.end());
  }

  /** Install the extension's own server, after asking, and start it. */
  async install(): Promise<void> {
    const question = "Install the server of pylot-ls into a virtual environment of its own?";
    const detail = "pip fetches what it needs from the Python package index, and may compile llama.cpp for 5 to 15 minutes.";
    const answer = await window.showInformationMessage(question, { modal: true, detail }, INSTALL);
    if (answer === INSTALL) {
      await this.next(async () => {
        await this.end();
        this.holder.set({ state: "installing" });
        const isThere = await install(this.context, this.log);
        await (isThere ? this.begin() : this.end());
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
    if (this.client?.isRunning() === true) {
      void this.client.sendNotification("workspace/didChangeConfiguration", { settings: null });
    }
  }

  private next(work: () => Promise<void>): Promise<void> {
    this.turn = this.turn.then(work, work);
    return this.turn;
  }

  private async begin(): Promise<void> {
    this.holder.set({ state: "loading" });
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
    const connection = connect(path, this.log, this.holder, this.pauses, () =>
      this.failed("pylot-ls ended five times within minutes. The log says why.", [SHOW_LOG, RESTART]),
    );
    try {
      await connection.client.start();
    } catch (error) {
      this.log.error(String(error));
      return { kind: "crashing", path, reason: connection.lastError() };
    }
    const version = connection.client.initializeResult?.serverInfo?.version ?? "0";
    if (isOld(version)) {
      await connection.client.dispose();
      return { kind: "too old", path, version };
    }
    this.client = connection.client;
    return undefined;
  }

  private async end(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    if (client !== undefined) {
      await client.dispose().catch((error: unknown) => this.log.warn(`the server did not end well: ${String(error)}`));
    }
    this.holder.set({ state: "off" });
  }

  private failed(advice: string, offered: string[]): void {
    this.holder.set({ state: "failed", advice });
    this.log.error(advice);
    void this.offer(advice, offered);
  }

  private async offer(advice: string, offered: string[]): Promise<void> {
    switch (await window.showErrorMessage(advice, ...offered)) {
      case INSTALL:
        return this.install();
      case OPEN_SETTING:
        await commands.executeCommand("workbench.action.openSettings", `${SECTION}.serverPath`);
        return;
      case RESTART:
        return this.restart();
      case SHOW_LOG:
        this.log.show();
        return;
    }
  }
}

function actions(trouble: Trouble): string[] {
  switch (trouble.kind) {
    case "missing":
      return trouble.path === undefined ? [INSTALL, OPEN_SETTING] : [OPEN_SETTING];
    case "too old":
      return [INSTALL, OPEN_SETTING];
    case "crashing":
      return [SHOW_LOG, RESTART];
  }
}
