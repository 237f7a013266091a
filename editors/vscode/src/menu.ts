/** The menu behind the status bar item. */

import { type QuickPickItem, type TextDocument, commands, l10n, window } from "vscode";
import type { Pauses } from "./pauses";
import type { StatusHolder } from "./status";

interface Entry extends QuickPickItem {
  command?: string;
}

export async function showMenu(holder: StatusHolder, pauses: Pauses): Promise<void> {
  const document = window.activeTextEditor?.document;
  const entries = [...(isStarted(holder) ? withServer(pauses, document) : []), ...always(holder)];
  const chosen = await window.showQuickPick(entries, { title: "pylot-ls", placeHolder: headline(holder) });
  if (chosen?.command !== undefined) {
    await commands.executeCommand(chosen.command);
  }
}

function headline(holder: StatusHolder): string {
  const { status, latestMs } = holder;
  switch (status.state) {
    case "ready": {
      return latestMs === undefined
        ? l10n.t("Model: {0}", status.model)
        : l10n.t("Model: {0}; the latest suggestion took {1} ms", status.model, Math.round(latestMs));
    }
    case "failed":
      return status.advice;
    case "loading":
      return l10n.t("The model is being loaded.");
    case "installing":
      return l10n.t("The server is being installed.");
    case "off":
      return l10n.t("The server does not run.");
  }
}

/** Who pauses and who answers is the server: where there is none, there is nothing to choose. */
function withServer(pauses: Pauses, document: TextDocument | undefined): Entry[] {
  const ask: Entry[] = [
    { label: `$(comment) ${l10n.t("Explain what is selected")}`, command: "pylot-ls.explainSelection" },
    { label: `$(comment-discussion) ${l10n.t("Ask about what is selected")}`, command: "pylot-ls.askQuestion" },
  ];
  return [...pausing(pauses, document), ...(document === undefined ? [] : ask)];
}

function pausing(pauses: Pauses, document: TextDocument | undefined): Entry[] {
  if (pauses.reach(document) !== undefined) {
    return [{ label: `$(play) ${l10n.t("Resume suggestions")}`, command: "pylot-ls.resume" }];
  }
  const language = l10n.t("Pause for {0}", document?.languageId ?? "");
  const here: Entry[] = [
    { label: `$(debug-pause) ${l10n.t("Pause in this file")}`, command: "pylot-ls.pauseFile" },
    { label: `$(debug-pause) ${language}`, command: "pylot-ls.pauseLanguage" },
  ];
  const everywhere = { label: `$(debug-pause) ${l10n.t("Pause everywhere")}`, command: "pylot-ls.pause" };
  return [...(document === undefined ? [] : here), everywhere];
}

function always(holder: StatusHolder): Entry[] {
  const restart = isStarted(holder) ? l10n.t("Restart the server") : l10n.t("Start the server");
  return [
    { label: `$(arrow-swap) ${l10n.t("Choose another model")}`, command: "pylot-ls.chooseModel" },
    { label: `$(refresh) ${restart}`, command: "pylot-ls.restart" },
    { label: `$(output) ${l10n.t("Show the log")}`, command: "pylot-ls.showLog" },
    { label: `$(gear) ${l10n.t("Settings")}`, command: "pylot-ls.settings" },
  ];
}

function isStarted(holder: StatusHolder): boolean {
  return holder.status.state === "ready" || holder.status.state === "loading";
}
