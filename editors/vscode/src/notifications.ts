/** The server's own notifications, which it sends to clients that say they want them. */

import type { LanguageClient, StaticFeature } from "vscode-languageclient/node";
import type { Status, StatusHolder } from "./status";

interface StatusParams {
  state?: unknown;
  percent?: unknown;
  model?: unknown;
  message?: unknown;
}

interface CompletionParams {
  usage?: { total_ms?: unknown };
}

/** Says in `initialize` which of them are wanted. */
export const wanted: StaticFeature = {
  fillClientCapabilities(capabilities) {
    const ours = { pylotCompletionStats: true, pylotModel: true, pylotPaused: true };
    capabilities.experimental = { ...capabilities.experimental, ...ours };
  },
  initialize() {},
  getState: () => ({ kind: "static" }),
  clear() {},
};

export function listen(client: LanguageClient, holder: StatusHolder): void {
  client.onNotification("pylot/model", (params: StatusParams) => {
    const status = asStatus(params);
    if (status !== undefined) {
      holder.set(status);
    }
  });
  client.onNotification("pylot/completion", (params: CompletionParams) => {
    const totalMs = params.usage?.total_ms;
    holder.latestMs = typeof totalMs === "number" ? totalMs : undefined;
  });
}

function asStatus(params: StatusParams): Status | undefined {
  switch (params.state) {
    case "loading":
      return typeof params.percent === "number" ? { state: "loading", percent: params.percent } : { state: "loading" };
    case "ready":
      return { state: "ready", model: String(params.model) };
    case "failed":
      return { state: "failed", advice: String(params.message) };
    default: // of a newer server
      return undefined;
  }
}
