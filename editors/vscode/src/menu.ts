/** The menu behind the status bar item. */

import { type QuickPickItem, type TextDocument, commands, window } from "vscode";
import type { Pauses } from "./pauses";
import type { StatusHolder } from "./status";

interface Entry extends QuickPickItem {
  command?: string;
}

export async function showMenu(holder: StatusHolder, pauses: Pauses): Promise<void> {
  const entries = [...pausing(pauses, window.activeTextEditor?.document), ...always(holder)];
  const chosen = await window.showQuickPick(entries, { title: "pylot-ls", placeHolder: headline(holder) });
  if (chosen?.command !== undefined) {
    await commands.executeCommand(chosen.command);
  }
}

function headline(holder: StatusHolder): string {
  const { status, latestMs } = holder;
  switch (status.state) {
    case "ready": {
      const speed = latestMs === undefined ? "" : `; the latest suggestion took ${Math.round(latestMs)} ms`;
      return `Model: ${status.model}${speed}`;
    }
    case "failed":
      return status.advice;
    case "loading":
      return "The model is being loaded";
    case "installing":
      return "The server is being installed";
    case "off":
      return "The server does not run";
  }
}

function pausing(pauses: Pauses, document: TextDocument | undefined): Entry[] {
  if (pauses.reach(document) !== undefined) {
    return [{ label: "$(play) Resume suggestions", command: "pylot-ls.resume" }];
  }
  const here: Entry[] = [
    { label: "$(debug-pause) Pause in this file", command: "pylot-ls.pauseFile" },
    { label: `$(debug-pause) Pause for ${document?.languageId ?? ""}`, command: "pylot-ls.pauseLanguage" },
  ];
  const everywhere = { label: "$(debug-pause) Pause everywhere", command: "pylot-ls.pause" };
  return [...(document === undefined ? [] : here), everywhere];
}

function always(holder: StatusHolder): Entry[] {
  const isStarted = holder.status.state === "ready" || holder.status.state === "loading";
  return [
    { label: "$(arrow-swap) Choose another model", command: "pylot-ls.chooseModel" },
    { label: `$(refresh) ${isStarted ? "Restart" : "Start"} the server`, command: "pylot-ls.restart" },
    { label: "$(output) Show the log", command: "pylot-ls.showLog" },
    { label: "$(gear) Settings", command: "pylot-ls.settings" },
  ];
}
