/** The item in the status bar: the state in one word, with what more is known of it. */

import { type ExtensionContext, StatusBarAlignment, ThemeColor, l10n, window } from "vscode";
import type { Pauses, Reach } from "./pauses";
import type { Status, StatusHolder } from "./status";

const PAUSED: Record<Reach, () => string> = {
  file: () => l10n.t("paused in this file"),
  language: () => l10n.t("paused in this language"),
  everywhere: () => l10n.t("paused"),
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
      return { icon: "loading~spin", words: l10n.t("loading") + percent, more: l10n.t("The model is being loaded.") };
    }
    case "installing":
      return { icon: "loading~spin", words: l10n.t("installing"), more: l10n.t("The server is being installed.") };
    case "off":
      return { icon: "circle-slash", words: l10n.t("off"), more: l10n.t("The server does not run. Click to start it.") };
    case "failed":
      return { icon: "warning", words: l10n.t("failed"), more: status.advice };
    case "ready":
      return reach === undefined
        ? { icon: "sparkle", words: l10n.t("ready"), more: l10n.t("{0} suggests. Click for more.", status.model) }
        : { icon: "debug-pause", words: PAUSED[reach](), more: l10n.t("Nothing is suggested here. Click to go on.") };
  }
}
