/** The settings of the section `pylot-ls`: the extension's own, and those of the server. */

import { workspace, type ConfigurationScope } from "vscode";
import manifest from "../package.json";

export const SECTION = "pylot-ls";

// The second section of the settings page is made by scripts/mirror_settings.py, and holds nothing else.
const settingsOfServer = Object.keys(manifest.contributes.configuration[1]?.properties ?? {}).map((name) =>
  name.slice(SECTION.length + 1),
);

/** The path that the user gave for the server, "" for none. */
export function serverPath(): string {
  return workspace.getConfiguration(SECTION).get<string>("serverPath", "").trim();
}

/** Whether the window joins the server that all editors share. */
export function isShared(): boolean {
  return workspace.getConfiguration(SECTION).get<boolean>("shared", false);
}

/** The address of a server that runs elsewhere, "" where one is started here. */
export function serverUrl(): string {
  return workspace.getConfiguration(SECTION).get<string>("serverUrl", "").trim();
}

/** What that server asks for, "" for nothing. */
export function serverKey(): string {
  return workspace.getConfiguration(SECTION).get<string>("serverKey", "").trim();
}

/**
 * What the user has set of the server's settings, nested by group.
 *
 * Defaults are left out: they would override what stands in the server's own settings file.
 */
export function chosenSettings(scope?: ConfigurationScope): Record<string, Record<string, unknown>> {
  const configuration = workspace.getConfiguration(SECTION, scope);
  const chosen: Record<string, Record<string, unknown>> = {};
  for (const key of settingsOfServer) {
    const found = configuration.inspect(key);
    const value =
      found?.workspaceFolderLanguageValue ??
      found?.workspaceLanguageValue ??
      found?.globalLanguageValue ??
      found?.workspaceFolderValue ??
      found?.workspaceValue ??
      found?.globalValue;
    const [group, name] = key.split(".");
    if (value !== undefined && group !== undefined && name !== undefined) {
      (chosen[group] ??= {})[name] = value;
    }
  }
  return chosen;
}
