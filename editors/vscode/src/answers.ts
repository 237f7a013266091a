/** What a model says of the code, in a view beside it, while it is being said. */

import { randomUUID } from "node:crypto";
import * as path from "node:path";
import {
  CancellationTokenSource,
  EventEmitter,
  type ExtensionContext,
  type TabChangeEvent,
  TabInputText,
  type TextDocumentContentProvider,
  type TextEditor,
  TextEditorLineNumbersStyle,
  Uri,
  ViewColumn,
  l10n,
  window,
  workspace,
} from "vscode";
import { type LanguageClient, ProgressType } from "vscode-languageclient/node";
import type { Service } from "./service";

const SCHEME = "pylot-ls-answer";
const EXPLAIN = "pylot-ls.explain";
const ASK = "pylot-ls.ask";
const PART = new ProgressType<string>();

interface Answer {
  text: string;
  is_complete: boolean;
}

/** The texts of the views. */
class Texts implements TextDocumentContentProvider {
  private readonly changes = new EventEmitter<Uri>();
  readonly onDidChange = this.changes.event;
  private readonly texts = new Map<string, string>();

  provideTextDocumentContent(uri: Uri): string {
    return this.texts.get(uri.toString()) ?? "";
  }

  set(uri: Uri, text: string): void {
    this.texts.set(uri.toString(), text);
    this.changes.fire(uri);
  }

  drop(uri: Uri): void {
    this.texts.delete(uri.toString());
  }
}

export class Answers {
  private readonly texts = new Texts();
  /** What ends the model's work at the answer that is being given. */
  private running: CancellationTokenSource | undefined;

  constructor(
    context: ExtensionContext,
    private readonly service: Service,
  ) {
    context.subscriptions.push(
      workspace.registerTextDocumentContentProvider(SCHEME, this.texts),
      workspace.onDidCloseTextDocument((document) => this.texts.drop(document.uri)),
    );
  }

  /** Explain what is selected, or the line of the cursor. */
  async explain(): Promise<void> {
    await this.answer(EXPLAIN, []);
  }

  /** Have a question answered about what is selected, or about the document where nothing is. */
  async ask(): Promise<void> {
    if (window.activeTextEditor !== undefined) {
      const prompt = l10n.t("A question about what is selected, or about the whole file");
      const question = (await window.showInputBox({ title: "pylot-ls", prompt }))?.trim();
      if (question) {
        await this.answer(ASK, [question]);
      }
    }
  }

  private async answer(command: string, more: string[]): Promise<void> {
    const editor = window.activeTextEditor;
    const client = this.service.running;
    if (client === undefined) {
      await window.showInformationMessage(l10n.t("pylot-ls has to run before a model can answer."));
    } else if (editor !== undefined && editor.document.uri.scheme !== SCHEME) {
      this.running?.cancel();
      const cancel = (this.running = new CancellationTokenSource());
      const view = Uri.from({ scheme: SCHEME, path: `/${title(editor)}.md`, query: randomUUID() });
      const closing = window.tabGroups.onDidChangeTabs((tabs) => isClosed(tabs, view) && cancel.cancel());
      const range = client.code2ProtocolConverter.asRange(editor.selection);
      const uri = client.code2ProtocolConverter.asUri(editor.document.uri);
      try {
        await this.fill(view, client, { command, arguments: [uri, range, ...more] }, cancel);
      } finally {
        closing.dispose();
        cancel.dispose();
        this.running = this.running === cancel ? undefined : this.running;
      }
    }
  }

  private async fill(
    view: Uri,
    client: LanguageClient,
    params: object,
    cancel: CancellationTokenSource,
  ): Promise<void> {
    this.texts.set(view, l10n.t("The model is answering …"));
    const document = await workspace.openTextDocument(view);
    const options = { viewColumn: ViewColumn.Beside, preserveFocus: true, preview: true };
    const shown = await window.showTextDocument(document, options);
    shown.options = { lineNumbers: TextEditorLineNumbersStyle.Off }; // it is no code
    let text = "";
    const partialResultToken = randomUUID();
    const parts = client.onProgress(PART, partialResultToken, (part) => {
      text += part;
      this.texts.set(view, text);
    });
    try {
      const asked = { ...params, partialResultToken };
      const answer = await client.sendRequest<Answer>("workspace/executeCommand", asked, cancel.token);
      const end = answer.is_complete ? "" : `\n\n*${l10n.t("The answer was cut off here.")}*`;
      this.texts.set(view, `${answer.text}${end}\n`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.texts.set(view, `${text}\n\n> ${l10n.t("There is no answer: {0}", reason)}\n`.trimStart());
    } finally {
      parts.dispose();
    }
  }
}

/** What is asked about: the file, and the lines from 1. */
function title(editor: TextEditor): string {
  const { start, end } = editor.selection;
  const file = path.posix.basename(editor.document.uri.path);
  return start.line === end.line
    ? l10n.t("{0}, line {1}", file, start.line + 1)
    : l10n.t("{0}, lines {1} to {2}", file, start.line + 1, end.line + 1);
}

function isClosed(tabs: TabChangeEvent, view: Uri): boolean {
  return tabs.closed.some((tab) => tab.input instanceof TabInputText && tab.input.uri.toString() === view.toString());
}
