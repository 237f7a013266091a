/** Choosing among the models that are installed, by the server's own command line. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type QuickPickItem, l10n, window } from "vscode";
import type { Service } from "./service";
import { serverUrl } from "./settings";

interface ModelFile {
  quantization: string;
  path: string | null;
  decode_tokens_per_s: number | null;
}

interface Model {
  name: string;
  roles: string[];
  bundled: boolean;
  files: ModelFile[];
}

const run = promisify(execFile);

export async function chooseModel(service: Service): Promise<void> {
  if (service.path === undefined) {
    const advice =
      serverUrl() === ""
        ? l10n.t("pylot-ls has to run before a model can be chosen.")
        : l10n.t("A server that runs elsewhere has its model chosen there: pylot-ls models use NAME.");
    await window.showInformationMessage(advice);
    return;
  }
  try {
    const { stdout } = await run(service.path, ["models", "list", "--json"], { maxBuffer: 2 ** 24 });
    const here = (JSON.parse(stdout) as Model[]).filter((model) => model.roles.includes("complete")).flatMap(entries);
    const placeHolder = l10n.t(
      "Others come with `pylot-ls models pull NAME` in a terminal; `pylot-ls models list` shows them",
    );
    const chosen = await window.showQuickPick(here, { title: l10n.t("Which model completes?"), placeHolder });
    if (chosen !== undefined) {
      await run(service.path, ["models", "use", chosen.reference]); // from the next start on
      await service.switchModel(chosen.reference);
    }
  } catch (error) {
    await window.showErrorMessage(l10n.t("No other model was chosen: {0}", String(error)));
  }
}

function entries(model: Model): (QuickPickItem & { reference: string })[] {
  return model.files
    .filter((file) => file.path !== null)
    .map((file) => ({
      label: model.name,
      description: file.quantization,
      detail: file.decode_tokens_per_s === null ? "" : l10n.t("{0} tokens a second", file.decode_tokens_per_s),
      reference: file.quantization === "" ? model.name : `${model.name}:${file.quantization}`,
    }));
}
