/** What VS Code calls: everything is put together here. */

import { type ExtensionContext, commands, window, workspace } from "vscode";
import { Answers } from "./answers";
import { showMenu } from "./menu";
import { chooseModel } from "./models";
import { Pauses, type Reach } from "./pauses";
import { Service } from "./service";
import { SECTION } from "./settings";
import { StatusHolder } from "./status";
import { showStatus } from "./status_bar";

let service: Service | undefined;

export function activate(context: ExtensionContext): void {
  const log = window.createOutputChannel("pylot-ls", { log: true });
  const holder = new StatusHolder();
  const pauses = new Pauses();
  const running = new Service(context, log, holder, pauses);
  service = running;
  const answers = new Answers(context, running);
  showStatus(context, holder, pauses);

  const document = () => window.activeTextEditor?.document;
  // Behind the menu the keyboard would belong to the status bar.
  const goOnTyping = () => commands.executeCommand("workbench.action.focusActiveEditorGroup");
  const pause = async (reach: Reach) => {
    await goOnTyping();
    await pauses.pause(reach, document());
    await commands.executeCommand("editor.action.inlineSuggest.hide"); // what is on the screen, too
  };
  const resume = async () => {
    await goOnTyping();
    await pauses.resume(document());
  };
  const offered: Record<string, () => unknown> = {
    menu: () => showMenu(holder, pauses),
    pause: () => pause("everywhere"),
    pauseFile: () => pause("file"),
    pauseLanguage: () => pause("language"),
    resume,
    restart: async () => {
      await goOnTyping();
      await running.restart();
    },
    stop: () => running.stop(),
    explainSelection: async () => {
      await goOnTyping();
      await answers.explain();
    },
    askQuestion: async () => {
      await goOnTyping();
      await answers.ask();
    },
    install: () => running.install(),
    chooseModel: async () => {
      await chooseModel(running);
      await goOnTyping();
    },
    showLog: () => log.show(),
    settings: () => commands.executeCommand("workbench.action.openSettings", `@ext:${context.extension.id}`),
    acceptAll: () => commands.executeCommand("editor.action.inlineSuggest.commit"),
    acceptWord: () => commands.executeCommand("editor.action.inlineSuggest.acceptNextWord"),
    acceptLine: () => commands.executeCommand("editor.action.inlineSuggest.acceptNextLine"),
    suggest: () => commands.executeCommand("editor.action.inlineSuggest.trigger"),
    next: () => commands.executeCommand("editor.action.inlineSuggest.showNext"),
    previous: () => commands.executeCommand("editor.action.inlineSuggest.showPrevious"),
  };
  for (const [name, work] of Object.entries(offered)) {
    context.subscriptions.push(commands.registerCommand(`${SECTION}.${name}`, work));
  }
  context.subscriptions.push(
    log,
    holder,
    pauses,
    workspace.onDidChangeConfiguration((change) => {
      if (["serverPath", "shared", "serverUrl", "serverKey"].some((name) => change.affectsConfiguration(`${SECTION}.${name}`))) {
        void running.restart();
      } else if (change.affectsConfiguration(SECTION)) {
        running.tellSettings();
      }
    }),
  );
  void running.restart();
}

export async function deactivate(): Promise<void> {
  await service?.stop();
}
