-- The configuration of pylot-ls for `vim.lsp.enable('pylot')`. It needs nothing else of this folder: README.md has
-- the setup with this file alone, and the one with the plugin.

-- `pylot-ls setup neovim` writes down where the server is; else it is looked for on the PATH.
local found, installed = pcall(require, 'pylot.installed')

---@type vim.lsp.Config
return {
  cmd = found and installed.cmd or { 'pylot-ls' },
  -- No `filetypes`: the server completes text of any kind.
  root_markers = { '.git', 'pyproject.toml', 'package.json', 'Cargo.toml', 'go.mod' },
}
