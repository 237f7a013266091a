/** Installing the server into a virtual environment in the extension's own storage. */

import { spawn } from "node:child_process";
import { mkdir, readdir, rm } from "node:fs/promises";
import * as path from "node:path";
import {
  type CancellationToken,
  type ExtensionContext,
  type LogOutputChannel,
  type Progress,
  ProgressLocation,
  l10n,
  window,
} from "vscode";
import { inEnvironment, lastLine, onPath, ownFolder } from "./server";

const PYTHONS = process.platform === "win32" ? ["py", "python"] : ["python3", "python"];
const IS_NEW_ENOUGH = "import sys; raise SystemExit(sys.version_info < (3, 11))";

/** Install the server that came with the extension, with progress; whether it is there now. */
export async function install(context: ExtensionContext, log: LogOutputChannel): Promise<boolean> {
  const options = { location: ProgressLocation.Notification, title: l10n.t("Installing pylot-ls"), cancellable: true };
  const folder = ownFolder(context);
  try {
    await window.withProgress(options, (progress, cancelled) => fill(context, folder, progress, cancelled, log));
    return true;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    const reason = error instanceof Error ? error.message : String(error);
    const message = l10n.t("pylot-ls could not be installed: {0}", reason);
    if ((await window.showErrorMessage(message, l10n.t("Show Log"))) !== undefined) {
      log.show();
    }
    return false;
  }
}

async function fill(
  context: ExtensionContext,
  folder: string,
  progress: Progress<{ message: string }>,
  cancelled: CancellationToken,
  log: LogOutputChannel,
): Promise<void> {
  const tell = (line: string) => {
    log.info(line);
    progress.report({ message: line.slice(0, 100) });
  };
  const wheel = await bundledWheel(context);
  const python = await findPython(cancelled);
  await rm(folder, { recursive: true, force: true });
  await mkdir(path.dirname(folder), { recursive: true });
  tell(l10n.t("making a virtual environment"));
  await run(python, ["-m", "venv", folder], tell, cancelled);
  tell(l10n.t("fetching what it needs; where llama.cpp has to be compiled this takes 5 to 15 minutes"));
  await run(inEnvironment(folder, "python"), ["-m", "pip", "install", "--progress-bar=off", wheel], tell, cancelled);
}

/** Throws where the package was made without one. */
async function bundledWheel(context: ExtensionContext): Promise<string> {
  const folder = path.join(context.extensionPath, "server");
  const names = await readdir(folder).catch(() => []);
  const wheel = names.find((name) => name.endsWith(".whl"));
  if (wheel === undefined) {
    throw new Error(
      l10n.t("this package of the extension holds no server. Install pylot-ls yourself, as its README says."),
    );
  }
  return path.join(folder, wheel);
}

async function findPython(cancelled: CancellationToken): Promise<string> {
  for (const name of PYTHONS) {
    const full = await onPath(name);
    if (full !== undefined) {
      try {
        await run(full, ["-c", IS_NEW_ENOUGH], () => {}, cancelled);
        return full;
      } catch {
        continue; // an older one; the next may do
      }
    }
  }
  throw new Error(l10n.t("there is no Python 3.11 or newer on the PATH. Install one, then try again."));
}

/** Run a program to its end; throws with its last line where it fails, or where the user cancels. */
function run(
  program: string,
  parameters: string[],
  tell: (line: string) => void,
  cancelled: CancellationToken,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, { stdio: ["ignore", "pipe", "pipe"] });
    const stop = cancelled.onCancellationRequested(() => child.kill());
    let last = "";
    const hear = (data: Buffer) => {
      last = lastLine(data.toString()) || last;
      tell(last);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.on("error", (error) => {
      stop.dispose();
      reject(error);
    });
    child.on("close", (code) => {
      stop.dispose();
      if (cancelled.isCancellationRequested) {
        reject(new Error(l10n.t("you cancelled it.")));
      } else if (code === 0) {
        resolve();
      } else {
        reject(new Error(last || l10n.t("{0} ended with code {1}", program, String(code))));
      }
    });
  });
}
