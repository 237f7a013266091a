/** Where a server may be, and what is wrong with one that does not work. */

import { access, constants } from "node:fs/promises";
import { homedir } from "node:os";
import * as path from "node:path";
import { type ExtensionContext, l10n } from "vscode";
import { serverPath } from "./settings";

/** The oldest version that this extension was tried with. */
const OLDEST = [0, 1, 0] as const;
const ON_WINDOWS = process.platform === "win32";

export type Trouble =
  | { kind: "missing"; path?: string }
  | { kind: "too old"; path: string; version: string }
  | { kind: "crashing"; path: string; reason: string };

/** The folder of the extension's own installation. */
export function ownFolder(context: ExtensionContext): string {
  return path.join(context.globalStorageUri.fsPath, "server");
}

/** The executable of a virtual environment. */
export function inEnvironment(folder: string, name: string): string {
  return ON_WINDOWS ? path.join(folder, "Scripts", `${name}.exe`) : path.join(folder, "bin", name);
}

/** Those that are there, the first to be tried first: by the setting alone, else on the PATH, then the extension's own. */
export async function findServers(context: ExtensionContext): Promise<string[]> {
  const given = givenPath();
  const candidates =
    given === undefined ? [await onPath("pylot-ls"), inEnvironment(ownFolder(context), "pylot-ls")] : [given];
  const there: string[] = [];
  for (const candidate of candidates) {
    if (candidate !== undefined && (await isThere(candidate))) {
      there.push(candidate);
    }
  }
  return there;
}

/** What the setting names. */
export function givenPath(): string | undefined {
  const given = serverPath();
  return given.startsWith("~") ? path.join(homedir(), given.slice(1)) : given || undefined;
}

/** Where a program stands on the PATH. */
export async function onPath(name: string): Promise<string | undefined> {
  const names = ON_WINDOWS ? [`${name}.exe`] : [name];
  for (const folder of (process.env["PATH"] ?? "").split(path.delimiter)) {
    for (const each of names) {
      const full = path.join(folder, each);
      if (folder !== "" && (await isThere(full))) {
        return full;
      }
    }
  }
  return undefined;
}

async function isThere(file: string): Promise<boolean> {
  try {
    await access(file, ON_WINDOWS ? constants.F_OK : constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether a version, as the server tells it, is older than what this extension needs. */
export function isOld(version: string): boolean {
  const parts = version.split(".").map(Number);
  for (const [i, oldest] of OLDEST.entries()) {
    const part = parts[i] ?? 0;
    if (part !== oldest) {
      return !(part > oldest);
    }
  }
  return false;
}

/** The last line that says something: Python's tracebacks end with the error. */
export function lastLine(text: string): string {
  return text.trimEnd().split(/\r?\n/).at(-1)?.trim() ?? "";
}

/** What is wrong and what the user can do, in two sentences. */
export function inWords(trouble: Trouble): string {
  switch (trouble.kind) {
    case "missing":
      return trouble.path === undefined
        ? l10n.t(
            "There is no pylot-ls on the PATH. Let the extension install it, or name one in the setting pylot-ls.serverPath.",
          )
        : l10n.t("There is no program {0}. Correct the setting pylot-ls.serverPath, or empty it.", trouble.path);
    case "too old":
      return l10n.t(
        "{0} is version {1}; this extension needs {2} or newer. Install the newer one and restart the server.",
        trouble.path,
        trouble.version,
        OLDEST.join("."),
      );
    case "crashing":
      return l10n.t(
        '{0} does not start: {1}. Run "{0} doctor" in a terminal: it says what to do.',
        trouble.path,
        trouble.reason || l10n.t("it ends at once"),
      );
  }
}
