/** The item in the status bar: the state in one word, with what more is known of it. */

import { type ExtensionContext, StatusBarAlignment, ThemeColor, window } from "vscode";
import type { Pauses, Reach } from "./pauses";
import type { Status, StatusHolder } from "./status";

const PAUSED: Record<Reach, string> = {
  file: "paused in this file",
  language: "paused in this language",
  everywhere: "paused",
};

export function showStatus(context: ExtensionContext, holder: StatusHolder, pauses: Pauses): void {
  const item = window.createStatusBarItem("pylot-ls.status", StatusBarAlignment.Right, 100);
  item.name = "pylot-ls";
  item.command = "pylot-ls.menu";
  const draw = () => {
    const reach = pauses.reach(window.activeTextEditor?.document);
    const { icon, words, more } = shown(holder.status, reach);
    item.text = `$(${icon}) pylot-ls: ${words}`;
    item.tooltip = more;
    item.backgroundColor =
      holder.status.state === "failed" ? new ThemeColor("statusBarItem.errorBackground") : undefined;
    item.show();
  };
  context.subscriptions.push(
    item,
    holder.onChange(draw),
    pauses.onChange(draw),
    window.onDidChangeActiveTextEditor(draw),
  );
  draw();
}

function shown(status: Status, reach: Reach | undefined): { icon: string; words: string; more: string } {
  switch (status.state) {
    case "loading": {
      const percent = status.percent === undefined ? "" : ` ${status.percent} %`;
      return { icon: "loading~spin", words: `loading${percent}`, more: "The model is being loaded." };
    }
    case "installing":
      return { icon: "loading~spin", words: "installing", more: "The server is being installed." };
    case "off":
      return { icon: "circle-slash", words: "off", more: "The server does not run. Click to start it." };
    case "failed":
      return { icon: "warning", words: "failed", more: status.advice };
    case "ready":
      return reach === undefined
        ? { icon: "sparkle", words: "ready", more: `${status.model} suggests. Click for more.` }
        : { icon: "debug-pause", words: PAUSED[reach], more: "Nothing is suggested here. Click to go on." };
  }
}
