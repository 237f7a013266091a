/** Where the user wants no suggestions for now. In memory: a new window suggests again. */

import { EventEmitter, type TextDocument } from "vscode";

export type Reach = "file" | "language" | "everywhere";

export class Pauses {
  private readonly changes = new EventEmitter<void>();
  readonly onChange = this.changes.event;
  private readonly files = new Set<string>();
  private readonly languages = new Set<string>();
  private everywhere = false;

  /** How far the pause reaches that holds in a document (anywhere, without one); undefined for none. */
  reach(document: TextDocument | undefined): Reach | undefined {
    if (this.everywhere) {
      return "everywhere";
    }
    if (document !== undefined && this.languages.has(document.languageId)) {
      return "language";
    }
    return document !== undefined && this.files.has(document.uri.toString()) ? "file" : undefined;
  }

  pause(reach: Reach, document: TextDocument | undefined): void {
    if (reach === "everywhere") {
      this.everywhere = true;
    } else if (document !== undefined) {
      reach === "file" ? this.files.add(document.uri.toString()) : this.languages.add(document.languageId);
    }
    this.changes.fire();
  }

  /** End every pause that holds in a document. */
  resume(document: TextDocument | undefined): void {
    this.everywhere = false;
    if (document !== undefined) {
      this.files.delete(document.uri.toString());
      this.languages.delete(document.languageId);
    }
    this.changes.fire();
  }

  /** The settings with which the server does no work either; files are known to this editor alone. */
  applied(settings: Record<string, Record<string, unknown>>): Record<string, Record<string, unknown>> {
    const completion = { ...settings["completion"] };
    if (this.everywhere) {
      completion["enabled"] = false;
    }
    if (this.languages.size > 0) {
      const off = completion["languagesOff"];
      completion["languagesOff"] = [...(Array.isArray(off) ? off : []), ...this.languages];
    }
    return { ...settings, completion };
  }

  dispose(): void {
    this.changes.dispose();
  }
}
