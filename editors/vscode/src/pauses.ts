/** Where the user wants no suggestions for now: the server knows it, and tells; here it is only shown. */

import { EventEmitter, type TextDocument } from "vscode";
import { type LanguageClient, State } from "vscode-languageclient/node";

export type Reach = "file" | "language" | "everywhere";

/** What `pylot/paused` tells. */
interface Paused {
  everywhere: boolean;
  languageIds: string[];
  uris: string[];
}

const NOWHERE: Paused = { everywhere: false, languageIds: [], uris: [] };

export class Pauses {
  private readonly changes = new EventEmitter<void>();
  readonly onChange = this.changes.event;
  private told = NOWHERE;
  private client: LanguageClient | undefined;

  /** Listen to a server. What the one before had paused this one pauses, as often as it starts anew. */
  follow(client: LanguageClient): void {
    this.client = client;
    client.onNotification("pylot/paused", (paused: Paused) => this.show(paused));
    client.onDidChangeState((change) => {
      if (change.newState === State.Running && client === this.client) {
        void this.restore();
      }
    });
  }

  /** How far the pause reaches that holds in a document (anywhere, without one); undefined for none. */
  reach(document: TextDocument | undefined): Reach | undefined {
    if (this.told.everywhere) {
      return "everywhere";
    }
    if (document !== undefined && this.told.languageIds.includes(document.languageId)) {
      return "language";
    }
    return document !== undefined && this.told.uris.includes(this.uri(document)) ? "file" : undefined;
  }

  async pause(reach: Reach, document: TextDocument | undefined): Promise<void> {
    if (reach === "everywhere") {
      await this.run("pylot.pause", {});
    } else if (document !== undefined) {
      const { languageId } = document;
      await this.run("pylot.pause", reach === "file" ? { uri: this.uri(document) } : { languageId });
    }
  }

  /** End every pause that holds in a document; one that holds everywhere takes the others along. */
  async resume(document: TextDocument | undefined): Promise<void> {
    if (this.told.everywhere || document === undefined) {
      await this.run("pylot.resume", {});
    } else {
      await this.run("pylot.resume", { uri: this.uri(document) });
      await this.run("pylot.resume", { languageId: document.languageId });
    }
  }

  dispose(): void {
    this.changes.dispose();
  }

  private show(paused: Paused): void {
    this.told = paused;
    this.changes.fire();
  }

  private async restore(): Promise<void> {
    const { everywhere, languageIds, uris } = this.told;
    this.show(NOWHERE); // so it is in the new server, until it tells otherwise
    const scopes = [
      ...(everywhere ? [{}] : []),
      ...languageIds.map((languageId) => ({ languageId })),
      ...uris.map((uri) => ({ uri })),
    ];
    for (const scope of scopes) {
      await this.run("pylot.pause", scope);
    }
  }

  private async run(command: string, scope: object): Promise<void> {
    if (this.client?.isRunning() === true) {
      await this.client.sendRequest("workspace/executeCommand", { command, arguments: [scope] });
    }
  }

  /** As the server has been told of the document. */
  private uri(document: TextDocument): string {
    return this.client?.code2ProtocolConverter.asUri(document.uri) ?? document.uri.toString();
  }
}
