-- Neovim 0.12 and later: copy this file to ~/.config/nvim/lsp/pylot.lua, then `vim.lsp.enable('pylot')`.
-- README.md beside this folder has the whole setup.

---@type vim.lsp.Config
return {
  cmd = { 'pylot-ls' },
  -- No `filetypes`: the server completes text of any kind.
  root_markers = { '.git', 'pyproject.toml', 'package.json', 'Cargo.toml', 'go.mod' },
}
