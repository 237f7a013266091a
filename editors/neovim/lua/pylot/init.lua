-- pylot-ls in Neovim. `:help pylot` describes what is public here.

local M = {}

-- As of the server that this plugin comes with.
M.version = '0.1.0'

local DEFAULT_KEYS = {
  accept = '<Tab>',
  accept_word = '<M-Right>',
  accept_line = '<M-Down>',
  other = '<M-n>',
}

-- The user's options, `vim.g.pylot`, with what is not given.
local function options()
  local given = vim.g.pylot or {}
  return { keys = vim.tbl_extend('force', DEFAULT_KEYS, given.keys or {}), restarts = given.restarts }
end

-- Accept what is suggested, all of it, its next word, its next line; false where nothing is.
function M.accept()
  return require('pylot.accepting').all()
end

function M.accept_word()
  return require('pylot.accepting').word()
end

function M.accept_line()
  return require('pylot.accepting').line()
end

-- Ask for other suggestions, then go through them.
function M.other()
  return require('pylot.accepting').other()
end

-- A few characters for a status line; empty where the server does not serve the buffer.
function M.status(bufnr)
  return require('pylot.status').short(bufnr)
end

-- `scope` is 'here', 'language' or 'everywhere', the default.
function M.pause(scope)
  require('pylot.pausing').pause(scope)
end

function M.resume(scope)
  require('pylot.pausing').resume(scope)
end

function M.restart()
  require('pylot.server').restart()
end

local function old_server(client)
  local version = client.server_info and client.server_info.version or ''
  local served, ours = vim.version.parse(version), vim.version.parse(M.version)
  return served ~= nil and vim.version.lt(served, ours) and version or nil
end

-- Switch suggestions on in a buffer that the server serves.
local function attached(event)
  local client = vim.lsp.get_client_by_id(event.data.client_id)
  if not client or client.name ~= 'pylot' then
    return
  end
  local version = old_server(client)
  if version then
    require('pylot.notices').once(('the server (%s) is older than this plugin (%s): upgrade it'):format(version, M.version))
  end
  require('pylot.pausing').apply(client, event.buf)
  require('pylot.status').changed()
end

-- Switch pylot-ls on: its keys, its server, its suggestions. `plugin/pylot.lua` calls it when Neovim starts.
function M.setup()
  local chosen = options()
  require('pylot.keys').map(chosen.keys)
  require('pylot.status').watch()
  vim.api.nvim_create_autocmd('LspAttach', {
    group = vim.api.nvim_create_augroup('pylot', { clear = true }),
    callback = attached,
  })
  require('pylot.server').enable(chosen.restarts)
end

return M
